import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { WorkingCopy } from '../../../app/embedded/working-copy.ts';
import { startWhole, type WholeSlipway } from '../whole-slipway.ts';

const pipeline = 'stages:\n  test:\n    commands: [sh check.sh]\n';
const waitMs = 20_000;
const checks = z.object({
  check_runs: z.array(z.object({ name: z.string(), status: z.string(), conclusion: z.string().nullable() })),
});
const comments = z.array(z.object({ id: z.number(), body: z.string(), user: z.object({ login: z.string() }) }));
const made = z.object({ id: z.number() });
const pull = z.object({ number: z.number() });
const reactions = z.array(z.object({ content: z.string() }));

let folder: string;
let whole: WholeSlipway;
let stranger: { readonly token: string; readonly copy: WorkingCopy };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-comment-'));
  whole = await startWhole(folder);
  const { host, copy } = whole;
  await copy.push('main', { '.slipway.yaml': pipeline, 'check.sh': 'exit 0\n' }, 'Begin');
  host.createUser('eve');
  const token = host.createToken('eve');
  await ask('POST', '/forks', token, {});
  const url = whole.cloneUrl.replace('/acme/', '/eve/');
  stranger = {
    token,
    copy: await WorkingCopy.create(join(folder, 'eve'), { url, login: 'eve', token, email: 'eve@example.com' }),
  };
  await stranger.copy.git('pull', '--quiet', 'origin', 'main');
});

afterAll(async () => {
  await whole.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

async function ask(method: string, path: string, token: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${whole.host.apiUrl}/repos/acme/web${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

async function openPull(head: string, token: string): Promise<number> {
  return pull.parse(await ask('POST', '/pulls', token, { title: 'A change', head, base: 'main', body: '' })).number;
}

/** Comments, waits for Slipway's last reaction, and returns it with the reply, if any. */
async function say(number: number, token: string, body: string) {
  const { id } = made.parse(await ask('POST', `/issues/${number}/comments`, token, { body }));
  const reaction = await until(async () =>
    reactions
      .parse(await ask('GET', `/issues/comments/${id}/reactions`, whole.token))
      .map(({ content }) => content)
      .find((content) => content !== 'eyes'),
  );
  const all = comments.parse(await ask('GET', `/issues/${number}/comments?per_page=100`, whole.token));
  return { reaction, reply: all.find((comment) => comment.body.includes(`slipway answer ${id} `))?.body };
}

async function checkOf(sha: string, name: string): Promise<string | null | undefined> {
  const { check_runs } = checks.parse(await ask('GET', `/commits/${sha}/check-runs`, whole.token));
  return check_runs.find((check) => check.name === name && check.status === 'completed')?.conclusion;
}

async function until<T>(look: () => Promise<T | undefined | null>): Promise<T> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null) return seen;
    if (Date.now() > deadline) throw new Error('It did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

it('runs nothing of a fork unasked, and lets exactly the named head go', async () => {
  const mark = join(folder, 'stranger-ran');
  const sha = await stranger.copy.push('change', { 'check.sh': `touch ${mark}\n` }, 'Touch a file');
  const number = await openPull('eve:change', stranger.token);
  expect(await until(() => checkOf(sha, 'slipway / consent'))).toBe('action_required');

  // The author, who may not write here, cannot let it go; nobody can without the full head; a retry implies nothing.
  expect(await say(number, stranger.token, `/ok-to-test ${sha}`)).toMatchObject({ reaction: 'confused' });
  const short = await say(number, whole.token, '/ok-to-test');
  expect(short.reaction).toBe('confused');
  expect(short.reply).toContain(`/ok-to-test ${sha}`);
  expect(await say(number, whole.token, `/ok-to-test ${'a'.repeat(40)}`)).toMatchObject({ reaction: 'confused' });
  expect(await say(number, whole.token, '/retry')).toMatchObject({ reaction: 'confused' });
  expect(await checkOf(sha, 'slipway / test')).toBeUndefined();

  expect(await say(number, whole.token, `Looks fine.\n\n/ok-to-test ${sha}`)).toMatchObject({ reaction: 'rocket' });
  expect(await until(() => checkOf(sha, 'slipway / test'))).toBe('success');
  expect(await checkOf(sha, 'slipway / consent')).toBe('success');

  // Consent was for that head: the next one waits again.
  const next = await stranger.copy.push('change', { 'check.sh': 'exit 0\n' }, 'Something else');
  expect(await until(() => checkOf(next, 'slipway / consent'))).toBe('action_required');
  expect(await checkOf(next, 'slipway / test')).toBeUndefined();
});

it('steers the run of the head for those who may write, and answers anyone', async () => {
  const sha = await whole.copy.push('feature', { 'check.sh': `test -e ${join(folder, 'now-good')}\n` }, 'Fail once');
  const number = await openPull('feature', whole.token);
  expect(await until(() => checkOf(sha, 'slipway / test'))).toBe('failure');

  const why = await say(number, stranger.token, '/why');
  expect(why.reaction).toBe('rocket');
  expect(why.reply).toContain('test');
  expect(await say(number, stranger.token, '/retry')).toMatchObject({ reaction: 'confused' });
  expect(await say(number, whole.token, '/slipway frobnicate')).toMatchObject({ reaction: 'confused' });
  expect((await say(number, whole.token, '/help')).reply).toContain('/ok-to-test');

  writeFileSync(join(folder, 'now-good'), '');
  expect(await say(number, whole.token, '/retry test')).toMatchObject({ reaction: 'rocket' });
  expect(await until(async () => ((await checkOf(sha, 'slipway / test')) === 'success' ? true : undefined))).toBe(true);
  expect((await say(number, whole.token, '/status')).reply).toContain('SUCCEEDED');
});
