import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { pipelineSchema } from '../../../engine/pipeline-file/schema.ts';
import { parsePipeline } from '../../../engine/pipeline-file.ts';

const isShaped = new Ajv({ allowUnionTypes: true }).compile(pipelineSchema);
const guide = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'pipeline.md'), 'utf8');

it('stands as a file in the package, for editors', () => {
  const file = join(import.meta.dirname, '..', '..', '..', 'schema', 'pipeline.json');
  // After a change of the schema: `npm run schema`.
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(pipelineSchema);
});

/** What the reader takes the schema takes, and the other way round, as far as a schema can tell. */
it.each([
  ['the guide’s example', /```yaml\n(.*?)```/s.exec(guide)?.[1] ?? '', true],
  ['one stage', 'stages: { test: { commands: npm test } }', true],
  ['bare triggers', 'on: { push: , manual: }\nstages: { t: { commands: [a] } }', true],
  ['a list of schedules', "on: { schedule: [{ cron: '0 4 * * *' }] }\nstages: { t: { commands: [a] } }", true],
  ['numbers in a matrix', 'stages: { t: { commands: [a], matrix: { node: [22, 24] } } }', true],
  ['one event', 'stages: { t: { commands: [a], when: { events: push } } }', true],
  [
    'approvals',
    'environments: { production: { deployers: ann, approval: { by: [ann, acme/web], required: 2, owners: true, timeout: 30m, onTimeout: advance } } }\nhotfix: { by: [acme/on-call] }\nstages: { t: { commands: [a] } }',
    true,
  ],
  [
    'an approval by an account id of Bitbucket',
    'environments: { production: { approval: { by: [712020:4f1c2a3b-0000-4000-8000-0123456789ab] } } }\nstages: { t: { commands: [a] } }',
    true,
  ],
  [
    'an approval by nobody',
    'environments: { p: { approval: { required: 0 } } }\nstages: { t: { commands: [a] } }',
    false,
  ],
  ['a pool', 'stages: { t: { commands: [a], pool: heavy } }', true],
  ['a pool that cannot be', 'stages: { t: { commands: [a], pool: "Heavy!" } }', false],
  ['a disk', 'stages: { t: { commands: [a], resources: { disk: 500Mi } } }', true],
  ['no stages', 'on: { push: }', false],
  ['an empty stage', 'stages: { t: {} }', false],
  ['an unknown key', 'stages: { t: { commands: [a], comands: [b] } }', false],
  ['an unknown event', 'on: { pushed: }\nstages: { t: { commands: [a] } }', false],
  ['a filter that the event lacks', 'on: { tag: { branches: [main] } }\nstages: { t: { commands: [a] } }', false],
  ['a bad duration', 'stages: { t: { commands: [a], timeout: soon } }', false],
  ['too many retries', 'stages: { t: { commands: [a], retries: 6 } }', false],
  ['a taken variable', 'stages: { t: { commands: [a], env: { SLIPWAY_RUN: x } } }', false],
  ['a name with a star', 'stages: { "t*": { commands: [a] } }', false],
  ['a deploy to nowhere', 'stages: { t: { deploy: { artifact: app, command: [x] } } }', false],
  ['a port that is none', 'stages: { t: { deploy: { environment: p, image: x, port: 0 } } }', false],
  ['stages as a list', 'stages: [{ commands: [a] }]', false],
])('agrees with the reader on %s', (_, file, isRight) => {
  expect(isShaped(parse(file))).toBe(isRight);
  expect('pipeline' in parsePipeline(file, { path: '.slipway.yaml' })).toBe(isRight);
});
