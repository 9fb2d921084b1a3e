import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Mistake, parsePipeline } from '../../../engine/pipeline-file.ts';

function mistakesOf(text: string): readonly Mistake[] {
  const parsed = parsePipeline(text, { path: '.slipway.yaml' });
  return 'mistakes' in parsed ? parsed.mistakes : [];
}

const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
stages: { t: { commands: *c } }`;

it.each([
  ['nothing', '', 1],
  ['a comment alone', '# to come\n', 1],
  ['a list', '- a\n- b\n', 1],
  ['no YAML', 'stages: [a\n  b: {', 1],
  ['binary', '\u0000\u0001\u0002', 1],
  ['more than the limit', `stages: { t: { commands: ["${'x'.repeat(5 * 2 ** 20)}"] } }`, 1],
  ['aliases', bomb, 1],
  ['two documents', 'stages: { t: { commands: [a] } }\n---\nstages: {}\n', 2],
  ['a key twice', 'stages:\n  t:\n    commands: [a]\n  t:\n    commands: [b]\n', 4],
  ['an unknown key', 'stages:\n  t:\n    comands: [a]\n    commands: [a]\n', 3],
  ['commands of a wrong type', 'stages:\n  t:\n    commands: { a: b }\n', 3],
  ['needs of an unknown stage', 'stages:\n  t:\n    needs: [build]\n    commands: [a]\n', 3],
  ['a stage that needs itself', 'stages:\n  t:\n    needs: [t]\n    commands: [a]\n', 2],
  ['a timeout in words', 'stages:\n  t:\n    commands: [a]\n    timeout: soon\n', 4],
  [
    'a huge matrix',
    `stages:\n  t:\n    commands: [a]\n    matrix: { a: [${[...Array(20).keys()]}], b: [${[...Array(20).keys()]}] }\n`,
    2,
  ],
  [
    'a path that leaves the workspace',
    'stages:\n  t:\n    commands: [a]\n    artifacts: { out: { x: ../../etc } }\n',
    4,
  ],
  ['an artifact that nobody makes', 'stages:\n  t:\n    commands: [a]\n    artifacts: { in: [app] }\n', 4],
  ['an image by tag', 'stages:\n  t:\n    deploy: { environment: production, image: "web:1" }\n', 3],
  [
    'an environment’s unknown key',
    'environments:\n  production:\n    aproval: {}\nstages: { t: { commands: [a] } }\n',
    3,
  ],
  ['more disk than a stage may write', 'stages: { t: { commands: [a], resources: { disk: 21Gi } } }\n', 1],
  [
    'an approver that is none',
    'environments:\n  p: { approval: { by: "a b" } }\nstages: { t: { commands: [a] } }\n',
    2,
  ],
  [
    'more approvals than people named',
    'environments:\n  p: { approval: { by: [ann], required: 2 } }\nstages: { t: { commands: [a] } }\n',
    2,
  ],
  ['a cron line of four fields', "on:\n  schedule: [{ cron: '0 4 * *' }]\nstages: { t: { commands: [a] } }\n", 2],
])('tells %s, with its line, what, why and how to fix it', (_, text, line) => {
  const mistakes = mistakesOf(text);
  expect(mistakes.length).toBeGreaterThan(0);
  expect(mistakes[0]).toMatchObject({ line });
  for (const mistake of mistakes) {
    expect(mistake.column).toBeGreaterThanOrEqual(1);
    for (const words of [mistake.what, mistake.why, mistake.fix]) expect(words).toMatch(/\S/);
    expect(`${mistake.what}${mistake.why}${mistake.fix}`.length).toBeLessThan(1_000);
  }
});

it('tells a cycle by its stages', () => {
  const text =
    'stages:\n  a: { needs: [c], commands: [x] }\n  b: { needs: [a], commands: [x] }\n  c: { needs: [b], commands: [x] }\n';
  expect(
    mistakesOf(text)
      .map(({ what, why }) => `${what} ${why}`)
      .join(),
  ).toMatch(/a.*b.*c|b.*c.*a|c.*a.*b/);
});

it('tells every cycle', () => {
  const text =
    'stages:\n  a: { needs: [b], commands: [x] }\n  b: { needs: [a], commands: [x] }\n  c: { needs: [c], commands: [x] }\n';
  expect(mistakesOf(text)).toMatchObject([
    { line: 2, what: 'Stages wait for each other: a -> b -> a' },
    { line: 4, what: 'Stages wait for each other: c -> c' },
  ]);
});

it.each([
  ['a key twice', 'stages: {}\nstages: {}\n', 2, /^This key stands twice/],
  ['a second document', 'stages: { t: { commands: [a] } }\n---\nstages: {}\n', 2, /^A second document/],
  ['brackets without end', `a: ${'['.repeat(20_000)}`, 1, /^The file is nested too deeply/],
  [
    'an image that is none',
    'stages:\n  t: { commands: [a], image: "two words" }\n',
    2,
    /^image of .* is not understood/,
  ],
  [
    'a chain of thousands',
    `stages:\n${Array.from({ length: 9_000 }, (_, n) => ` s${n}: {needs: [s${n + 1}]}\n`).join('')}`,
    2,
    /has 9000 stages/,
  ],
])('tells %s in words of its own', (_, text, line, words) => {
  const found = mistakesOf(text).find(({ what }) => words.test(what));
  expect(found).toMatchObject({ line });
  expect(mistakesOf(text).filter(({ what }) => words.test(what))).toHaveLength(1);
});

it('tells every mistake at once', () => {
  const text =
    'on: { pushed: }\nstages:\n  t: { comands: [a], timeout: soon, retries: 9 }\n  u: { needs: [v], commands: [a] }\n';
  expect(mistakesOf(text).map(({ line }) => line)).toEqual(expect.arrayContaining([1, 3, 4]));
  expect(mistakesOf(text).length).toBeGreaterThanOrEqual(5);
});

it.each([
  ['an environment whose name is none', '{ environment: Production!, image: "web@sha256:%s" }', 'is not understood'],
  ['a misspelt key', '{ enviroment: production, image: "web@sha256:%s" }', 'is no key'],
  ['an artifact that is a list', '{ environment: production, artifact: [app], command: [a] }', 'is a list'],
  ['a command that is a mapping', '{ environment: production, artifact: app, command: { a: b } }', 'is a mapping'],
  ['no environment', '{ image: "web@sha256:%s" }', 'names no environment'],
])('tells %s of a deploy once, and not as missing too', (_, deploy, words) => {
  const text = `stages:\n  t:\n    deploy: ${deploy.replace('%s', 'a'.repeat(64))}\n`;
  expect(mistakesOf(text).map(({ what }) => what)).toEqual([expect.stringContaining(words)]);
});

it('names the key that was meant', () => {
  expect(mistakesOf('stages:\n  t:\n    comands: [a]\n    commands: [a]\n')[0]?.fix).toContain('commands');
});

const fragments = fc.constantFrom(
  ...[
    'stages',
    'on',
    'push',
    't',
    'commands',
    'needs',
    'deploy',
    'matrix',
    'when',
    '*a',
    '&a',
    '<<',
    'null',
    '~',
    '!!set',
    '? ',
    '|',
  ],
  ...[
    ':',
    ': ',
    '\n',
    '\n  ',
    '\n    ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    ',',
    '"',
    "'",
    '#',
    '%',
    '---',
    '...',
    '\t',
    '0x1',
    '1e999',
    '.nan',
  ],
);

it('never throws, and points inside the text, whatever it holds', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(fragments, { maxLength: 40 }).map((parts) => parts.join('')),
        fc.string({ unit: 'binary' }),
      ),
      (text) => {
        const lines = text.split(/\r\n|\r|\n/).length;
        for (const { line } of mistakesOf(text)) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(lines + 1);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

it('takes any value under any key without a fault', () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  const keys = fc.constantFrom(
    'kind',
    'needs',
    'image',
    'commands',
    'env',
    'timeout',
    'retries',
    'resources',
    'reports',
    'matrix',
    'artifacts',
    'when',
    'deploy',
  );
  fc.assert(
    fc.property(fc.dictionary(keys, value, { maxKeys: 5 }), value, (stage, on) => {
      mistakesOf(JSON.stringify({ on, stages: { t: stage } }));
    }),
    { numRuns: 1_000 },
  );
});

it('names the pools that there are when a stage asks for another', () => {
  const text = 'stages:\n  t:\n    commands: [a]\n    pool: hevy\n';
  const parsed = parsePipeline(text, { path: '.slipway.yaml', pools: ['default', 'heavy'] });
  expect('mistakes' in parsed && parsed.mistakes).toEqual([
    {
      line: 4,
      column: 11,
      what: 'pool of stage "t": "hevy" is unknown',
      why: 'It is one of default, heavy',
      fix: 'Did you mean "heavy"?',
    },
  ]);
  expect(mistakesOf(text)).toEqual([]);
});
