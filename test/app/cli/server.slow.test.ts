import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { databaseFile } from '../../../app/config.ts';
import { openEmbeddedDatabase } from '../../../app/embedded/database/embedded-database.ts';
import { WorkingCopy } from '../../../app/embedded/working-copy.ts';
import { KillableSlipway } from '../../faults/killable-slipway.ts';
import { type Ended, slipway } from './run-slipway.ts';

const runsSchema = z.array(z.object({ runId: z.string(), status: z.string(), headSha: z.string() }));
const server = new KillableSlipway();
let copy: WorkingCopy;

beforeAll(async () => {
  await server.start();
  copy = await WorkingCopy.create(join(server.dataDir, 'copy'), {
    url: `http://127.0.0.1:${kept('git-host', 'port')}/acme/hello.git`,
    login: 'dev',
    token: kept('developer-token'),
    email: 'dev@example.com',
  });
});
afterAll(() => server.close());

function kept(...path: readonly string[]): string {
  return readFileSync(join(server.dataDir, ...path), 'utf8').trim();
}

function ask(...words: readonly string[]): Promise<Ended> {
  return slipway(words, { cwd: server.dataDir, env: { SLIPWAY_DATA: server.dataDir } });
}

async function told(...words: readonly string[]): Promise<string> {
  const { code, out, err } = await ask(...words);
  expect(err).toBe('');
  expect(code).toBe(0);
  return out;
}

/** The run of a commit, once it is as asked. */
async function run(sha: string, isSo: (status: string) => boolean = isEnded): Promise<string> {
  for (let tries = 0; tries < 600; tries += 1) {
    const found = runsSchema.parse(await server.get('/runs?limit=50')).find(({ headSha }) => headSha === sha);
    if (found !== undefined && isSo(found.status)) return found.runId;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`The run of ${sha} did not come to that`);
}

function isEnded(status: string): boolean {
  return ['SUCCEEDED', 'FAILED', 'CANCELLED', 'ROLLED_BACK'].includes(status);
}

function web(version: string): Readonly<Record<string, string>> {
  return {
    'server.js': `import { createServer } from 'node:http';\ncreateServer((_, answer) => answer.end('${version}')).listen(process.env.PORT);\n`,
    'package.json': '{"type":"module"}',
    '.slipway.yaml': `stages:
  pack: { commands: [mkdir dist, cp server.js package.json dist/], artifacts: { out: { web: dist } } }
  ship: { needs: [pack], deploy: { environment: production, artifact: web, command: [node, server.js], port: 8080, ready: / } }
`,
  };
}

it('lists and shows a run, as it is and as it was, and tells why', async () => {
  const sha = await copy.push('main', web('one'), 'Ship one');
  const id = await run(sha);
  expect(await told('runs')).toMatch(new RegExp(`^${id} +SUCCEEDED .* acme/hello main ${sha.slice(0, 7)}  Ship one\n`));
  expect(await told('show', id.slice(0, 6))).toMatch(/✓ ship .* revision 1 in production/);
  expect(await told('show', id, '--at', '1')).toMatch(/^TESTING .*after commit 1\n {2}◌ pack {11}starts\n {2}· ship/);
  expect(await told('show', id, '--events')).toContain('RunFinished: SUCCEEDED');
  expect(await told('why', id)).toMatch(/pack {2}succeeded/);
  const beyond = await ask('show', id, '--at', '9999');
  expect(beyond).toMatchObject({ code: 1, err: expect.stringContaining('has no commit 9999; its last is') });
});

it('follows the log of a stage that runs, to its end and no further', async () => {
  const sha = await copy.push(
    'main',
    { '.slipway.yaml': 'stages: { count: { commands: ["for n in 1 2 3 4; do echo line $n; sleep 0.4; done"] } }' },
    'Count',
  );
  const id = await run(sha, (status) => status !== 'PENDING');
  const followed = await told('logs', '-f', id, 'count');
  expect(followed.match(/^line \d$/gm)).toEqual(['line 1', 'line 2', 'line 3', 'line 4']);
  expect(await told('logs', id)).toBe(followed);
  const lines = (await told('logs', id, '--json')).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toContainEqual({ stage: 'count', line: 'line 4' });
});

it('cancels what runs, and retries what failed or was cancelled', async () => {
  const long = { '.slipway.yaml': 'stages: { wait: { commands: ["test -e go || sleep 60"] } }' };
  const id = await run(await copy.push('main', long, 'Wait'), (status) => status !== 'PENDING');
  expect(await told('cancel', id, '--reason', 'not today')).toBe(`Run ${id} is cancelled\n`);
  expect(await told('show', id)).toMatch(/CANCELLED(.|\n)*wait .*not today/);
  const again = await ask('cancel', id);
  expect(again).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/ended already: CANCELLED\n {2}See/) });
  expect(await told('retry', id)).toContain(`Run ${id} goes on`);
  await told('cancel', id);
});

it('goes back to an earlier revision, and says which there are', async () => {
  await run(await copy.push('main', web('two'), 'Ship two'));
  expect(await told('rollback', 'production')).toMatch(/went from revision 2 back to revision 1, as revision 3/);
  expect(await ask('rollback', 'production', '9')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/Revision 9 was never live there\n {2}These were: .*1 \(sha256:/),
  });
  expect(await ask('rollback', 'nowhere')).toMatchObject({ code: 1, err: expect.stringContaining('Nothing was ever') });
});

it('lets no second Slipway into its folder, and goes on undisturbed', async () => {
  const port = kept('git-host', 'port');
  const second = await ask('start', '--no-tour', '--port', '0');
  expect(second.code).toBe(1);
  expect(second.err).toBe(
    `slipway: Another Slipway runs in ${server.dataDir}\n  Ask that one (\`slipway runs\`), stop it, or give this one a folder of its own with --data\n`,
  );
  expect(kept('git-host', 'port')).toBe(port);
  expect(await told('runs')).toContain('Ship two');
});

it('makes its lists anew out of the log, and drives on what they had lost', async () => {
  const unfinished = await copy.push('main', { '.slipway.yaml': 'stages: { t: { commands: [sleep 2] } }' }, 'Sleep');
  await run(unfinished, (status) => status !== 'PENDING');
  await server.kill();
  const before = await readModels();
  await server.start();
  // What had ended is in no list; the one that still runs comes back by what its agent says.
  expect(await told('runs')).not.toContain('Ship two');
  expect(await told('rebuild')).toMatch(/^Rebuilt out of the log: \d+ runs, 3 deployments\n$/);
  await run(unfinished);
  await server.kill();
  const after = await readModels();
  expect(after.revisions).toEqual(before.revisions);
  expect(after.environments).toEqual(before.environments);
  const others = (models: typeof before) => models.runs.filter(({ headSha }) => headSha !== unfinished);
  expect(others(after)).toEqual(others(before));
  expect(others(after).length).toBeGreaterThanOrEqual(4);
  await server.start();
});

/** Takes the read models out of the database of the Slipway that was killed. */
async function readModels() {
  const database = openEmbeddedDatabase({
    file: databaseFile(server.dataDir),
    onFatal: (error) => {
      throw error;
    },
  });
  const take = async (name: string) => {
    const all = database.collection(name);
    const documents = await all.find({}).sort({ _id: 1 }).toArray();
    await all.deleteMany({});
    return documents;
  };
  try {
    return { runs: await take('runs'), revisions: await take('revisions'), environments: await take('environments') };
  } finally {
    await database.close();
  }
}
