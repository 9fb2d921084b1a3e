import { join } from 'node:path';
import type { Run } from '../../../engine/core/run.ts';
import type { RunChange } from '../../../engine/run-loop.ts';
import { WorkingCopy } from '../working-copy.ts';
import type { SampleChange } from './sample-changes.ts';
import type { TourHost, TourPerson } from './tour-host.ts';

const stepTimeoutMs = 90_000;

/** The changes that the tour makes to the sample. */
export interface TourChanges {
  readonly sample: Readonly<Record<string, string>>;
  readonly failingTest: SampleChange;
  readonly fix: SampleChange;
  readonly neverReady: SampleChange;
}

export interface Tour {
  readonly host: TourHost;
  readonly developer: TourPerson;
  readonly changes: TourChanges;
  readonly folder: string;
  readonly onChange: (listener: (change: RunChange) => void) => void;
  readonly say: (line: string) => void;
}

/** A step that was not seen to happen. */
export class TourError extends Error {
  override readonly name = 'TourError';
}

/** Walks a newcomer through a delivery: green, red with the line, fixed, merged and deployed, rolled back. Throws TourError. */
export async function walkTour({ host, developer, changes, folder, onChange, say }: Tour): Promise<void> {
  const runs = new RunsSeen(onChange);
  const copy = await WorkingCopy.create(join(folder, 'tour'), {
    ...developer,
    url: host.cloneUrl(host.owner),
    email: `${developer.login}@example.com`,
  });

  say('1. A first push to main: test, package, deploy');
  const first = await copy.push('main', changes.sample, 'A small web service');
  const shipped = await runs.ended(first);
  expectOutcome(shipped, 'SUCCEEDED');
  await eventually(
    'checks on the first commit to be green',
    async () => (await host.openOrRedChecks(first)).length === 0,
  );
  const url = deployedUrl(shipped);
  await expectPage(url, 200);
  say(`   It answers at ${url}`);

  say(`2. A pull request with a failing test: "${changes.failingTest.title}"`);
  const red = await copy.push(changes.failingTest.branch, changes.failingTest.files, changes.failingTest.message);
  const number = await host.openPullRequest(changes.failingTest);
  expectOutcome(await runs.ended(red), 'FAILED');
  const [place] = await found('something that points at the failing line', () => host.failingPlaces(number, red));
  say(`   The ${place?.by} points at ${place?.path}:${place?.line}`);

  say('3. A push that fixes it');
  const green = await copy.push(changes.fix.branch, changes.fix.files, changes.fix.message);
  expectOutcome(await runs.ended(green), 'SUCCEEDED');
  await eventually('green checks on the fix', async () => (await host.openOrRedChecks(green)).length === 0);
  const [comment] = await found('the comment to say that all is well', async () =>
    (await host.comments(number)).filter((body) => body.includes('✅ All')),
  );
  say(`   One comment tells the story: ${firstLine(comment ?? '')}`);

  say('4. The merge deploys it');
  const before = await pageOf(url);
  const merged = await host.merge(number, green);
  expectOutcome(await runs.ended(merged), 'SUCCEEDED');
  await eventually('the new version to answer', async () => (await pageOf(url)) !== before);
  const live = await pageOf(url);

  say(`5. A version that never gets ready: "${changes.neverReady.title}"`);
  await copy.pullMain();
  const sick = await copy.push(changes.neverReady.branch, changes.neverReady.files, changes.neverReady.message);
  const second = await host.openPullRequest(changes.neverReady);
  expectOutcome(await runs.ended(sick), 'SUCCEEDED');
  const broken = await host.merge(second, sick);
  expectOutcome(await runs.ended(broken), 'ROLLED_BACK');
  if ((await pageOf(url)) !== live) throw new TourError('After the rollback the service does not answer as before');
  say(`   Rolled back by itself; ${url} answers as before`);
  await eventually(
    'all checks on the last commit to be completed',
    async () => (await host.openOrRedChecks(broken)).length > 0 && (await host.failedChecks(broken)).length > 0,
  );
}

/** Remembers how runs ended, so that waiting never misses one. */
class RunsSeen {
  readonly #ended = new Map<string, Run>();
  readonly #waiting = new Map<string, (run: Run) => void>();

  constructor(onChange: Tour['onChange']) {
    onChange(({ run }) => {
      if (run.outcome === undefined || run.outcome === 'CANCELLED') return;
      this.#ended.set(run.trigger.headSha, run);
      this.#waiting.get(run.trigger.headSha)?.(run);
    });
  }

  /** The run of a commit, once it has ended. */
  async ended(sha: string): Promise<Run> {
    const known = this.#ended.get(sha);
    if (known !== undefined) return known;
    const { promise, resolve, reject } = Promise.withResolvers<Run>();
    this.#waiting.set(sha, resolve);
    const timer = setTimeout(
      () => reject(new TourError(`No run of ${sha.slice(0, 7)} ended within ${stepTimeoutMs / 1_000} s`)),
      stepTimeoutMs,
    );
    return promise.finally(() => clearTimeout(timer));
  }
}

function expectOutcome(run: Run, outcome: Run['outcome']): void {
  if (run.outcome !== outcome) throw new TourError(`Run ${run.runId} ended as ${run.outcome}, not ${outcome}`);
}

function deployedUrl(run: Run): string {
  for (const state of Object.values(run.stages)) {
    if (state.status === 'succeeded' && state.deployed?.url !== undefined) return state.deployed.url;
  }
  throw new TourError(`Run ${run.runId} deployed nothing with a URL`);
}

async function pageOf(url: string): Promise<string> {
  return (await fetch(url, { signal: AbortSignal.timeout(5_000) })).text();
}

async function expectPage(url: string, status: number): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (response.status !== status) throw new TourError(`${url} answers ${response.status}, not ${status}`);
}

async function found<T>(what: string, look: () => Promise<readonly T[]>): Promise<readonly T[]> {
  let seen: readonly T[] = [];
  await eventually(what, async () => {
    seen = await look();
    return seen.length > 0;
  });
  return seen;
}

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + stepTimeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new TourError(`Waited ${stepTimeoutMs / 1_000} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function firstLine(text: string): string {
  const line = text.split('\n').find((it) => it.trim() !== '' && !/^(?:<!--|\[slipway)/.test(it)) ?? '';
  return line.replaceAll(/[#*]/g, '').trim();
}
