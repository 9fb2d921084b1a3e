import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { signedIn } from '../embedded/git-host/browser.ts';
import { type PullRequestWorld, pullRequestWorld } from './pull-request-world.ts';

const test = 'slipway / test';
const pipeline = `stages:
  test: { commands: [sh check.sh] }
  lint: { commands: ['true'] }
`;
const runs = z.object({
  check_runs: z.array(
    z.object({ id: z.number(), name: z.string(), check_suite: z.object({ id: z.number() }).nullable() }),
  ),
});
const branches = z.array(z.object({ name: z.string() }));

let folder: string;
let world: PullRequestWorld;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-buttons-'));
  world = await pullRequestWorld(folder);
  await world.whole.copy.push('main', { '.slipway.yaml': pipeline, 'check.sh': 'exit 0\n' }, 'Begin');
}, 60_000);

afterAll(async () => {
  await world.whole.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

async function checkRun(sha: string, name: string) {
  const { check_runs } = runs.parse(await world.ask('GET', `/commits/${sha}/check-runs`, 'dev'));
  return check_runs.find((check) => check.name === name);
}

/** Presses a button on a check's page, as a person with a browser does. */
async function press(as: string, sha: string, name: string, form: Record<string, string> = {}): Promise<number> {
  const browser = await signedIn(world.whole.host, as);
  const check = await checkRun(sha, name);
  const path = `/acme/web/runs/${check?.id}`;
  const csrf = await browser.csrf(path);
  const what = 'identifier' in form ? 'action' : 'rerequest';
  return (await browser.post(`${path}/${what}`, { csrf, ...form })).status;
}

const state = async (sha: string, name = test) => (await world.check(sha, name))?.state;
const audit = async () => (await world.audit())[0];

it('runs a check again by its own button, for those who may write', async () => {
  const mended = join(folder, 'mended');
  const { sha } = await world.open('again', { 'check.sh': `test -e ${mended}\n` });
  await world.until('the failure', async () => (await state(sha)) === 'failure');
  writeFileSync(mended, '');
  expect(await press('eve', sha, test)).toBeGreaterThanOrEqual(400);
  expect(await press('ann', sha, test)).toBe(303);
  await world.until('a green check', async () => (await state(sha)) === 'success');
  expect(await audit()).toMatchObject({ who: { login: 'ann' }, outcome: 'done', headSha: sha });
});

it('runs all checks of a commit again where none failed', async () => {
  const marks = join(folder, 'marks');
  const { sha } = await world.open('all', { 'check.sh': `echo x >> ${marks}\n` });
  await world.until('a green check', async () => (await state(sha)) === 'success');
  await world.until('the other', async () => (await state(sha, 'slipway / lint')) === 'success');
  const suite = (await checkRun(sha, test))?.check_suite?.id;
  await world.whole.slipway.shown();
  await world.ask('POST', `/check-suites/${suite}/rerequest`, 'ann');
  await world.until('another run', async () => world.run(sha) !== undefined || (await attempts(sha)) > 1);
  await world.until('a second attempt', async () => (await attempts(sha)) === 2);
});

async function attempts(sha: string): Promise<number> {
  const { check_runs } = runs.parse(await world.ask('GET', `/commits/${sha}/check-runs?filter=all`, 'dev'));
  return check_runs.filter(({ name }) => name === test).length;
}

it('lets a fork go by the button on the head that is shown, and not by running again', async () => {
  await world.ask('POST', '/forks', 'eve', {});
  const copy = await world.copyOf('eve', world.whole.cloneUrl.replace('/acme/', '/eve/'));
  await copy.git('pull', '--quiet', 'origin', 'main');
  const sha = await copy.push('theirs', { 'theirs.txt': 'x\n' }, 'Theirs');
  await world.ask('POST', '/pulls', 'eve', { title: 'Theirs', head: 'eve:theirs', base: 'main', body: '' });
  const consent = 'slipway / consent';
  await world.until('the question', async () => (await state(sha, consent)) === 'action_required');
  await press('ann', sha, consent);
  await world.until('the answer', async () => (await audit())?.why.includes('lets no fork go'));
  expect(await state(sha)).toBeUndefined();
  expect(await press('eve', sha, consent, { identifier: 'ok-to-test' })).toBeGreaterThanOrEqual(400);

  const next = await copy.push('theirs', { 'theirs.txt': 'y\n' }, 'More');
  await world.until('the next question', async () => (await state(next, consent)) === 'action_required');
  // The button on the head before: somebody looks at an old page.
  expect(await press('ann', sha, consent, { identifier: 'ok-to-test' })).toBe(303);
  await world.until('a refusal', async () => (await audit())?.why.includes('head of no open pull request'));
  expect(await state(next)).toBeUndefined();
  expect(await press('ann', next, consent, { identifier: 'ok-to-test' })).toBe(303);
  await world.until('its run', async () => (await state(next)) === 'success');
  expect(await state(sha)).toBeUndefined();
});

it('plans again by the button on a broken pipeline file, once it is mended in the base branch', async () => {
  await world.whole.copy.pullMain();
  const files = { '.slipway.yaml': 'stages: { test: { commands: [sh check.sh], deploy: 1 } }\n' };
  const { sha } = await world.open('broken', files);
  await world.until('the mistakes', async () => (await state(sha, 'slipway / pipeline')) === 'failure');
  expect(await press('ann', sha, 'slipway / pipeline')).toBe(303);
  await world.until('the answer', async () => (await audit())?.why.includes('mistakes still'));
});

it('checks what a merge queue makes, and merges exactly that', async () => {
  const { host } = world.whole;
  host.requireChecks('acme', 'web', 'main', [test]);
  host.queueMerges('acme', 'web', 'main');
  const { number, sha } = await world.open('queued', { 'queued.txt': 'x\n' });
  await world.until('a green check', async () => (await state(sha)) === 'success');
  await enqueue(number);
  const main = await world.until('the merge', async () => {
    const pull = z.object({ merged: z.boolean(), merge_commit_sha: z.string().nullable() });
    const { merged, merge_commit_sha } = pull.parse(await world.ask('GET', `/pulls/${number}`, 'dev'));
    return merged && merge_commit_sha;
  });
  expect(await world.mainSha()).toBe(main);
  expect(await state(main)).toBe('success');
  await world.until('the end of its branch', async () => {
    const names = branches.parse(await world.ask('GET', '/branches', 'dev')).map(({ name }) => name);
    return !names.some((name) => name.startsWith('gh-readonly-queue/'));
  });
}, 30_000);

it('stops the run of a group that left the queue, and keeps a bad merge out', async () => {
  const { number } = await world.open('slow', { 'check.sh': 'case $SLIPWAY_BRANCH in gh-*) sleep 60;; esac\n' });
  await enqueue(number);
  const group = await world.until('the run of the group', () =>
    Promise.resolve(world.runs().find(({ trigger }) => trigger.type === 'merge_group')),
  );
  const before = await world.mainSha();
  // A push takes the pull request out of the queue.
  const next = await world.whole.copy.push(
    'slow',
    { 'check.sh': 'case $SLIPWAY_BRANCH in gh-*) exit 1;; esac\n' },
    'X',
  );
  await world.until('the end', async () => (await state(group.trigger.headSha)) === 'cancelled');
  await world.until('a green check', async () => (await state(next)) === 'success');
  await enqueue(number);
  const bad = await world.until('the next group', () =>
    Promise.resolve(world.runs().find(({ trigger }) => trigger.type === 'merge_group')),
  );
  await world.until('its failure', async () => (await state(bad.trigger.headSha)) === 'failure');
  expect(await world.mainSha()).toBe(before);
}, 60_000);

/** "Merge when ready" */
async function enqueue(number: number): Promise<void> {
  const browser = await signedIn(world.whole.host, 'dev');
  const path = `/acme/web/pull/${number}`;
  const answer = await browser.post(`${path}/merge`, { csrf: await browser.csrf(path), method: 'queue' });
  expect(answer.status).toBe(303);
}
