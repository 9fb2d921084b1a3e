import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../../app/embedded/database/embedded-database.ts';
import { ShowChecks } from '../../../app/reconcilers/show-checks.ts';
import { RequestBudgets } from '../../../app/request-budgets.ts';
import type { Run } from '../../../engine/core/run.ts';
import { type PullRequestTrigger, Sha } from '../../../engine/core/trigger.ts';
import { systemClock } from '../../../engine/ports/clock.ts';
import type { CheckRun } from '../../../providers/git-host.ts';
import { GitHostError } from '../../../providers/git-host-error.ts';
import { gitHubCapabilities } from '../../../providers/github/adapter.ts';
import { GivenRun, stage, succeeded, trigger } from '../../engine/core/given-run.ts';

const pulls = 200;
const stages = ['build', 'lint', 'test'];
const pointsPerWrite = 5;

/** What a host saw, and when; `fault` is thrown at the next write. */
class RecordingHost {
  readonly checks: { readonly at: number; readonly id: string; readonly status: string; readonly branch?: string }[] =
    [];
  readonly comments: { readonly at: number; readonly number: number; readonly body: string }[] = [];
  fault: Error | undefined;
  /** What each check's answer waits for. */
  answers: Promise<void> = Promise.resolve();

  readonly port = {
    capabilities: { ...gitHubCapabilities, slashCommandsTaken: false },
    publishCheck: async (_: unknown, sha: string, check: CheckRun) => {
      this.#fail();
      await this.answers;
      const { name, state, branch } = check;
      const facts = { at: Date.now(), id: `${sha}/${name}`, status: state.status };
      this.checks.push({ ...facts, ...(branch === undefined ? {} : { branch }) });
      return `${sha}/${check.name}`;
    },
    ensureComment: async (_: unknown, number: number, { body }: { body: string }) => {
      this.#fail();
      this.comments.push({ at: Date.now(), number, body });
      return String(number);
    },
  };

  #fail(): void {
    const { fault } = this;
    this.fault = undefined;
    if (fault !== undefined) throw fault;
  }
}

let folder: string;
let database: EmbeddedDatabase;
let host: RecordingHost;
let show: ShowChecks;
let errors: unknown[];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: new Date('2026-03-01T09:00:00Z') });
  folder = mkdtempSync(join(tmpdir(), 'slipway-show-'));
  database = openEmbeddedDatabase({ file: join(folder, 'test.db'), onFatal: () => undefined });
  host = new RecordingHost();
  errors = [];
  await open();
});

afterEach(async () => {
  vi.useRealTimers();
  await show.stop();
  await database.close();
  rmSync(folder, { recursive: true });
});

async function open(): Promise<void> {
  show = new ShowChecks({
    // The part of the port that showing uses.
    hosts: () => host.port as never,
    database,
    clock: systemClock,
    budgets: new RequestBudgets(systemClock),
    onError: (error) => errors.push(error),
  });
  await show.prepare();
}

/** Lets time pass in steps, with real turns for the database in between. */
async function pass(ms: number, stepMs = 250): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await vi.advanceTimersByTimeAsync(stepMs);
    for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

function pullOf(number: number): PullRequestTrigger {
  return {
    ...trigger,
    type: 'pull_request',
    action: 'opened',
    number,
    headSha: Sha(number.toString(16).padStart(40, '0')),
    author: trigger.actor,
    headRef: `branch-${number}`,
    isFork: false,
    baseRef: 'main',
    baseSha: Sha('f'.repeat(40)),
    isDraft: false,
    labels: [],
  };
}

function runOf(number: number): GivenRun {
  const given = new GivenRun(...stages.map((name) => stage(name)));
  given.run = { ...given.current, runId: `run${number}`, trigger: pullOf(number), createdAt: new Date() };
  return given;
}

function tell(run: Run): void {
  show.runChanged({ run });
}

function mostWithin(times: readonly number[], windowMs: number): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + windowMs).length));
}

it(`shows the end of ${pulls} pull requests opened within 10 s, within every limit and without waste`, async () => {
  const begin = Date.now();
  for (let number = 1; number <= pulls; number += 1) {
    const given = runOf(number);
    tell(given.current);
    if (number % 5 === 0) await pass(250);
    for (const name of stages) given.finish(name, succeeded);
    tell(given.current);
  }
  await pass(8 * 60_000);

  const completed = host.checks.filter(({ status }) => status === 'completed');
  expect(new Set(completed.map(({ id }) => id)).size).toBe(pulls * stages.length);
  expect(new Set(host.comments.map(({ number }) => number)).size).toBe(pulls);
  expect(errors).toEqual([]);

  const checkTimes = host.checks.map(({ at }) => at);
  const commentTimes = host.comments.map(({ at }) => at);
  expect(mostWithin([...checkTimes, ...commentTimes], 60_000) * pointsPerWrite).toBeLessThanOrEqual(900);
  expect(mostWithin(commentTimes, 60_000)).toBeLessThanOrEqual(80);
  expect(mostWithin(commentTimes, 3_600_000)).toBeLessThanOrEqual(500);

  // The budgets allow 180 writes a minute, and 80 comments among them; the first of them at once.
  const least = Math.max(Math.ceil((pulls * (stages.length + 1)) / 180) - 1, Math.ceil(pulls / 80) - 1) * 60_000;
  const took = Math.max(...checkTimes, ...commentTimes) - begin;
  expect(took).toBeLessThanOrEqual((least + 10_000) * 1.1);
});

it("ties every check to the pull request's branch, where that holds the commit, and a fork's to none", async () => {
  const mistake = { line: 1, column: 1, what: 'It is empty', why: 'Nothing is in it', fix: 'Write a stage' };
  tell(runOf(1).current);
  await show.showMistakes(pullOf(2), '.slipway.yaml', [mistake]);
  await show.showMistakes({ ...pullOf(3), isFork: true }, '.slipway.yaml', [mistake]);
  await show.showConsent({ ...pullOf(4), isFork: true });
  await pass(60_000);
  const branches = (number: number) => {
    const { headSha } = pullOf(number);
    return new Set(host.checks.filter(({ id }) => id.startsWith(headSha)).map(({ branch }) => branch));
  };
  expect([1, 2, 3, 4].map((number) => [...branches(number)])).toEqual([
    ['branch-1'],
    ['branch-2'],
    [undefined],
    [undefined],
  ]);
});

it('writes the same thing once, however often it is told', async () => {
  const given = runOf(1);
  for (const name of stages) given.finish(name, succeeded);
  for (let time = 0; time < 5; time += 1) {
    tell(given.current);
    await pass(5_000);
  }
  await show.stop();
  await open();
  tell(given.current);
  await pass(5_000);
  expect(host.checks).toHaveLength(stages.length);
  expect(host.comments).toHaveLength(1);
});

it('ends only when what was being written is, so that nothing of it fails behind', async () => {
  const answer = Promise.withResolvers<void>();
  host.answers = answer.promise;
  tell(runOf(1).current);
  await pass(10_000);
  let isOver = false;
  const stopping = show.stop().then(() => (isOver = true));
  await pass(1_000);
  expect({ isOver, written: host.checks.length }).toEqual({ isOver: false, written: 0 });
  answer.resolve();
  await pass(1_000);
  await stopping;
  expect(host.checks.length).toBeGreaterThan(0);
  expect(errors).toEqual([]);
});

it('waits as long as the host asks, then writes', async () => {
  const given = runOf(1);
  for (const name of stages) given.finish(name, succeeded);
  host.fault = new GitHostError({
    code: 'rate-limited',
    what: 'Publishing',
    why: 'too much',
    fix: 'wait',
    retryAfterMs: 90_000,
  });
  tell(given.current);
  await pass(1_000);
  const early = host.checks.length + host.comments.length;
  await pass(80_000, 1_000);
  expect(host.checks.length + host.comments.length).toBe(early);
  await pass(15_000);
  expect(host.checks).toHaveLength(stages.length);
  expect(host.comments).toHaveLength(1);
});

it('does not let an older run of a pull request take the comment of a newer one', async () => {
  const older = runOf(1);
  await pass(1_000);
  const newer = runOf(1);
  newer.run = { ...newer.current, runId: 'newer', createdAt: new Date() };
  for (const name of stages) newer.finish(name, succeeded);
  tell(newer.current);
  await pass(6_000);
  older.send({ type: 'CancelRun', by: 'slipway', reason: 'superseded' });
  tell(older.current);
  await pass(6_000);
  expect(host.comments.at(-1)?.body).toContain('newer');
});

it('asks for consent to a fork in the comment, where its commit takes no statuses', async () => {
  const { trigger: pull } = runOf(3).current;
  if (pull.type !== 'pull_request') throw new TypeError('it is about a pull request');
  const fork: PullRequestTrigger = { ...pull, isFork: true };
  await show.showConsent(fork);
  await pass(2_000);
  expect(host.comments).toEqual([]);
  Object.assign(host.port.capabilities, { checks: 'statuses', slashCommandsTaken: true });
  await show.showConsent({ ...fork, number: 2, action: 'closed' });
  await show.showConsent(fork);
  await pass(2_000);
  expect(host.comments.map(({ number }) => number)).toEqual([3]);
  expect(host.comments[0]?.body).toContain(`\n/slipway ok-to-test ${fork.headSha}\n`);
  // The run, once it may go, takes its place.
  tell({ ...runOf(3).current, createdAt: new Date() });
  await pass(5_000);
  expect(host.comments.at(-1)).toMatchObject({ number: 3, body: expect.not.stringContaining('ok-to-test') });
});
