import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { WorkingCopy } from '../../app/embedded/working-copy.ts';
import { pipelineWith, server } from '../app/conversation/pull-request-world.ts';
import { KillableSlipway } from './killable-slipway.ts';

const waitMs = 60_000;
const pull = z.object({ number: z.number() });
const merged = z.object({ sha: z.string() });
const comments = z.array(z.object({ id: z.number(), body: z.string() }));
const checks = z.object({
  check_runs: z.array(
    z.object({
      name: z.string(),
      conclusion: z.string().nullable(),
      output: z.object({ title: z.string().nullable() }),
    }),
  ),
});

const slipway = new KillableSlipway();
let copy: WorkingCopy;

beforeAll(async () => {
  await slipway.start();
  copy = await WorkingCopy.create(join(slipway.dataDir, 'copy'), {
    url: `http://127.0.0.1:${hostFile('port')}/acme/hello.git`,
    login: 'dev',
    token: token(),
    email: 'dev@example.com',
  });
});
afterAll(() => slipway.close());

function hostFile(name: string): string {
  return readFileSync(join(slipway.dataDir, 'git-host', name), 'utf8').trim();
}

function token(): string {
  return readFileSync(join(slipway.dataDir, 'developer-token'), 'utf8').trim();
}

async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${hostFile('port')}/api/v3/repos/acme/hello${path}`, {
    method,
    headers: { authorization: `Bearer ${token()}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error(`It did not happen in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function mergedPull(branch: string, files: Readonly<Record<string, string>>) {
  await copy.pullMain();
  await copy.push(branch, files, `Change ${branch}`);
  const title = `A change: ${branch}`;
  const { number } = pull.parse(await ask('POST', '/pulls', { title, head: branch, base: 'main', body: '' }));
  const { sha } = merged.parse(await ask('PUT', `/pulls/${number}/merge`, {}));
  return { number, sha };
}

const prompts = async (number: number) =>
  comments
    .parse(await ask('GET', `/issues/${number}/comments?per_page=100`))
    .filter(({ body }) => body.startsWith('<!-- slipway prompt'));

async function production(sha: string) {
  const { check_runs } = checks.parse(await ask('GET', `/commits/${sha}/check-runs?per_page=100`));
  return check_runs.find(({ name }) => name === 'slipway / production');
}

it('waits for consent through kill -9: the same prompt, which is answered by the one that comes after', async () => {
  await copy.push('main', { 'README.md': 'Begin\n' }, 'Begin');
  const files = { '.slipway.yaml': pipelineWith('{ by: [dev], authorMayApprove: true }'), 'server.js': server('one') };
  const { number, sha } = await mergedPull('first', files);
  const [prompt] = await until('a prompt', async () => {
    const found = await prompts(number);
    return found.length > 0 && found;
  });
  for (const fact of [
    'Change',
    'Author',
    'Difference',
    'Goes back',
    'Run',
    'Changed files',
    '.slipway.yaml',
    '**Answer:**',
  ])
    expect(prompt?.body).toContain(fact);
  for (let times = 0; times < 2; times += 1) {
    await slipway.kill();
    await slipway.start();
  }
  expect(await prompts(number)).toEqual([prompt]);
  await ask('POST', `/issues/${number}/comments`, { body: '/approve' });
  await until('the deploy', async () => (await production(sha))?.conclusion === 'success');

  // The next one tells what it ran before, and who brought it.
  const next = await mergedPull('second', { 'server.js': server('two') });
  const [second] = await until('another prompt', async () => {
    const found = await prompts(next.number);
    return found.length > 0 && found;
  });
  for (const fact of ['revision 1', 'What it ran before', 'rollback production 1', 'server.js'])
    expect(second?.body).toContain(fact);
});

it.each([
  ['is stopped', 'expire', 'cancelled'],
  ['goes on', 'advance', 'success'],
] as const)(
  'what nobody answered while Slipway was dead %s when its time is over',
  async (_, onTimeout, conclusion) => {
    const files = {
      '.slipway.yaml': pipelineWith(`{ by: [dev], authorMayApprove: true, timeout: 10s, onTimeout: ${onTimeout} }`),
      'server.js': server(onTimeout),
    };
    const { number, sha } = await mergedPull(`time-${onTimeout}`, files);
    await until('a prompt', async () => (await prompts(number)).length > 0);
    await slipway.kill();
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    await slipway.start();
    await until(`it ${conclusion}`, async () => (await production(sha))?.conclusion === conclusion);
  },
);
