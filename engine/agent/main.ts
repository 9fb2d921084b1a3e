import { glob, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptResult } from '../core/run-commands.ts';
import type { Artifact, FailureCause, TestSummary } from '../core/run-events.ts';
import type { AttemptWork } from '../ports/attempt-host.ts';
import type { FailedTest } from '../reports/junit.ts';
import { LogShipper, LogTooLargeError } from './log-shipper.ts';
import { Mask } from './mask.ts';
import { RefusedError, Session } from './session.ts';
import { fetchSource } from './source.ts';
import { commandScript, control } from './stage-script.ts';

const maxLogBytes = 200 * 2 ** 20;
const maxReports = 200;
const stopWaitMs = 15_000;

/** Where things are, as the pod's environment tells. */
interface Setting {
  readonly endpoint: string;
  readonly tokenFile: string;
  readonly workspace: string;
  readonly control: string;
}

/** Carries out one attempt beside the container that runs its commands. */
class Agent {
  readonly #setting: Setting;
  readonly #session: Session;
  #stopReason: string | undefined;

  constructor(setting: Setting) {
    this.#setting = setting;
    this.#session = new Session({
      endpoint: setting.endpoint,
      tokenFile: setting.tokenFile,
      onStop: (reason) => {
        this.#stopReason = reason;
        // Whether the commands run or still wait, one of the two files ends them.
        void this.#mark(control.stop);
        void this.#mark(control.leave);
        setTimeout(() => process.exit(0), stopWaitMs).unref();
      },
    });
  }

  async run(): Promise<void> {
    await mkdir(this.#setting.control, { recursive: true });
    const work = await this.#session.work();
    if (work === undefined) return this.#leave();
    const mask = new Mask([
      ...Object.values(work.secrets),
      ...(work.source.credential === undefined ? [] : [work.source.credential.password]),
    ]);
    const log = new LogShipper({
      folder: this.#setting.control,
      mask,
      maxBytes: maxLogBytes,
      send: (batch) => this.#session.lines(batch),
    });
    const begin = Date.now();
    try {
      await Promise.all([fetchSource(this.#setting.workspace, work.source), this.#takeArtifacts(work)]);
    } catch (error) {
      await log.say(mask.hide(messageOf(error)));
      return this.#finish(
        this.#failed(log, begin, { type: 'infrastructure', message: mask.hide(messageOf(error)) }, []),
      );
    }
    if ((await this.#session.mayStart()) === 'refused') return this.#leave();
    await this.#finish(await this.#carryOut(work, log));
  }

  async #carryOut(work: AttemptWork, log: LogShipper): Promise<AttemptResult> {
    const begin = Date.now();
    let hasTimedOut = false;
    const script = join(this.#setting.control, control.start);
    await writeFile(`${script}.new`, commandScript(work.commands, { ...work.env, ...work.secrets }), { mode: 0o600 });
    await rename(`${script}.new`, script);
    const timer = setTimeout(() => {
      hasTimedOut = true;
      void this.#mark(control.stop);
    }, work.timeoutMs);
    let exitCode: number;
    try {
      exitCode = await log.untilExit();
    } catch (error) {
      if (!(error instanceof LogTooLargeError)) throw error;
      await this.#mark(control.stop);
      return this.#failed(
        log,
        begin,
        { type: 'configuration', message: `${error.message}. Print less, or write to a file kept as an artifact` },
        [],
      );
    } finally {
      clearTimeout(timer);
    }
    const durationMs = Date.now() - begin;
    const { tests, failed } = await this.#reports(work, log);
    if (hasTimedOut) {
      await log.say(`slipway: stopped after ${work.timeoutMs / 1_000} s, the stage's timeout`);
      return this.#failed(log, begin, { type: 'timed-out', afterMs: work.timeoutMs }, failed, tests);
    }
    if (exitCode !== 0) return this.#failed(log, begin, { type: 'command', exitCode }, failed, tests);
    let artifacts: readonly Artifact[];
    try {
      artifacts = await this.#handOn(work);
    } catch (error) {
      await log.say(`slipway: ${messageOf(error)}`);
      return this.#failed(log, begin, { type: 'configuration', message: messageOf(error) }, []);
    }
    return {
      outcome: 'succeeded',
      durationMs,
      artifacts,
      annotations: [],
      log: log.summary(),
      ...(tests === undefined ? {} : { tests }),
    };
  }

  async #failed(
    log: LogShipper,
    begin: number,
    cause: FailureCause,
    failed: readonly FailedTest[],
    tests?: TestSummary,
  ): Promise<AttemptResult> {
    const { findEvidence } = await import('./evidence.ts');
    return {
      outcome: 'failed',
      durationMs: Date.now() - begin,
      cause,
      evidence: findEvidence(this.#setting.workspace, failed, log.recent),
      log: log.summary(),
      ...(tests === undefined ? {} : { tests }),
    };
  }

  async #takeArtifacts({ artifactsIn }: AttemptWork): Promise<void> {
    if (artifactsIn.length === 0) return;
    const { unpack } = await import('./archive.ts');
    for (const { name, digest } of artifactsIn) {
      const folder = join(this.#setting.workspace, name);
      await mkdir(folder, { recursive: true });
      await unpack(folder, await this.#session.getArtifact(digest));
    }
  }

  async #handOn({ artifactsOut }: AttemptWork): Promise<readonly Artifact[]> {
    if (artifactsOut.length === 0) return [];
    const { pack } = await import('./archive.ts');
    const artifacts: Artifact[] = [];
    for (const { name, path } of artifactsOut)
      artifacts.push(await this.#session.putArtifact(name, await pack(this.#setting.workspace, path)));
    return artifacts;
  }

  async #reports(
    { reports }: AttemptWork,
    log: LogShipper,
  ): Promise<{ readonly tests?: TestSummary; readonly failed: readonly FailedTest[] }> {
    if (reports.length === 0) return { failed: [] };
    const { parseJUnit } = await import('../reports/junit.ts');
    const failed: FailedTest[] = [];
    let tests: TestSummary | undefined;
    let count = 0;
    for await (const path of glob(
      reports.map((report) => report.path),
      { cwd: this.#setting.workspace, exclude: (name) => name === 'node_modules' || name === '.git' },
    )) {
      count += 1;
      if (count > maxReports) break;
      try {
        const report = parseJUnit(await readFile(join(this.#setting.workspace, path), 'utf8'));
        failed.push(...report.failed);
        tests = tests === undefined ? report.summary : added(tests, report.summary);
      } catch (error) {
        await log.say(`slipway: the report ${path} cannot be read: ${messageOf(error)}`);
      }
    }
    if (count === 0) await log.say(`slipway: no report matches ${reports.map((report) => report.path).join(', ')}`);
    return { failed, ...(tests === undefined ? {} : { tests }) };
  }

  async #finish(result: AttemptResult | Promise<AttemptResult>): Promise<void> {
    if (this.#stopReason === undefined) await this.#session.finish(await result);
    await this.#leave();
  }

  async #leave(): Promise<void> {
    await this.#mark(control.leave);
    this.#session.close();
  }

  async #mark(file: string): Promise<void> {
    await writeFile(join(this.#setting.control, file), '');
  }
}

function added(a: TestSummary, b: TestSummary): TestSummary {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    durationMs: a.durationMs + b.durationMs,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function required(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  process.stderr.write(`slipway agent: ${name} is not set; it runs in the pods that Slipway makes\n`);
  process.exit(2);
}

// The kubelet asks containers to leave when their pod is deleted; what is under way is still reported as far as it gets.
process.on('SIGTERM', () => undefined);

const agent = new Agent({
  endpoint: required('SLIPWAY_AGENT_ENDPOINT'),
  tokenFile: required('SLIPWAY_AGENT_TOKEN_FILE'),
  workspace: required('SLIPWAY_WORKSPACE'),
  control: required('SLIPWAY_CONTROL'),
});
try {
  await agent.run();
  process.exit(0);
} catch (error) {
  process.stderr.write(`slipway agent: ${messageOf(error)}\n`);
  process.exit(error instanceof RefusedError ? 3 : 1);
}
