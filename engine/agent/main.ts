import { mkdir, rename, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptResult } from '../core/run-commands.ts';
import type { Artifact, FailureCause, TestSummary } from '../core/run-events.ts';
import type { AttemptWork } from '../ports/attempt-host.ts';
import type { FailedTest } from '../reports/junit.ts';
import { ifThere } from '../system-error.ts';
import { untilIsolated } from './isolation.ts';
import { LogShipper, LogTooLargeError } from './log-shipper.ts';
import { LogSpool } from './log-spool.ts';
import { Mask } from './mask.ts';
import { OutsideError } from './open-inside.ts';
import { RefusedError, Session } from './session.ts';
import { fetchSource } from './source.ts';
import { commandScript, control } from './stage-script.ts';

const maxLogBytes = 200 * 2 ** 20;
const stopWaitMs = 15_000;
/** Networks that enforce policies do so within a second or two, a busy one within some more. */
const isolationWaitMs = 30_000;
/** With less room than this nothing useful can be written any more. */
const fullDiskBytes = 64 * 1_024;

/** Where things are, as the pod's environment tells. */
interface Setting {
  readonly endpoint: string;
  readonly tokenFile: string;
  readonly workspace: string;
  readonly control: string;
  /** The agent's own folder. */
  readonly home: string;
  /** What nobody reaches once network policies hold; absent where none are enforced. */
  readonly barred?: { readonly address: string; readonly allowed: readonly string[] };
}

/** Carries out one attempt beside the container that runs its commands. */
class Agent {
  readonly #setting: Setting;
  readonly #session: Session;
  /** Begun at once: while the source is fetched, policies come into force and are seen to. */
  readonly #isolated: Promise<void>;
  #stopReason: string | undefined;
  #isAskedToLeave = false;

  constructor(setting: Setting) {
    this.#setting = setting;
    this.#session = new Session({
      endpoint: setting.endpoint,
      tokenFile: setting.tokenFile,
      spool: new LogSpool(join(setting.home, 'slipway-log')),
      onStop: (reason) => {
        this.#stopReason = reason;
        // Whether the commands run or still wait, one of the two files ends them.
        void this.#mark(control.stop);
        void this.#mark(control.leave);
        setTimeout(() => process.exit(0), stopWaitMs).unref();
      },
    });
    const { barred } = setting;
    this.#isolated =
      barred === undefined ? Promise.resolve() : untilIsolated(barred.address, barred.allowed, isolationWaitMs);
    // run() hears of a refusal where it waits for it; an agent that has nothing to do never waits.
    this.#isolated.catch(() => undefined);
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
    let startedAt = await this.#startedAt();
    if (startedAt === undefined) {
      const begin = Date.now();
      try {
        await Promise.all([this.#prepare(work), this.#isolated]);
      } catch (error) {
        const message = mask.hide(messageOf(error));
        await log.say(...message.split('\n').map((line) => `slipway: ${line}`));
        return this.#finish(this.#failed(log, begin, await this.#causeOf(message), []));
      }
      if ((await this.#session.mayStart()) === 'refused') return this.#leave();
      await this.#startCommands(work);
      startedAt = Date.now();
    }
    await this.#finish(await this.#follow(work, log, startedAt));
  }

  /** The pod is asked to go: a node is drained, somebody deletes it. The commands get the time to end. */
  interrupt(): void {
    this.#isAskedToLeave = true;
    void this.#mark(control.stop);
  }

  /** When the commands were started by an agent before this one, in the same pod: they are never started again. */
  async #startedAt(): Promise<number | undefined> {
    return (await ifThere(stat(join(this.#setting.control, control.start))))?.mtimeMs;
  }

  async #prepare(work: AttemptWork): Promise<void> {
    await fetchSource(this.#setting.workspace, work.source);
    if (work.artifactsIn.length === 0) return;
    const { takeArtifacts } = await import('./artifact-transfer.ts');
    await takeArtifacts(this.#setting.workspace, work, this.#session);
  }

  async #startCommands(work: AttemptWork): Promise<void> {
    const script = join(this.#setting.control, control.start);
    await writeFile(`${script}.new`, commandScript(work.commands, { ...work.env, ...work.secrets }), { mode: 0o600 });
    await rename(`${script}.new`, script);
  }

  async #follow(work: AttemptWork, log: LogShipper, startedAt: number): Promise<AttemptResult> {
    let hasTimedOut = false;
    const timer = setTimeout(
      () => {
        hasTimedOut = true;
        void this.#mark(control.stop);
      },
      Math.max(0, startedAt + work.timeoutMs - Date.now()),
    );
    let cause: FailureCause | undefined;
    try {
      const { exitCode, isOutOfMemory } = await log.untilExit();
      if (isOutOfMemory) cause = { type: 'out-of-memory', limitBytes: work.memoryBytes };
      else if (exitCode !== 0) cause = { type: 'command', exitCode };
    } catch (error) {
      await this.#mark(control.stop);
      cause = {
        type: error instanceof LogTooLargeError || error instanceof OutsideError ? 'configuration' : 'infrastructure',
        message: messageOf(error),
      };
    } finally {
      clearTimeout(timer);
    }
    const durationMs = sinceMs(startedAt);
    if (cause?.type === 'command' && this.#isAskedToLeave)
      cause = { type: 'infrastructure', message: 'The pod was asked to end while the commands ran' };
    else if (cause?.type === 'command') cause = (await this.#fullDisk()) ?? cause;
    const { tests, failed } = await this.#reports(work, log);
    const facts = tests === undefined ? {} : { tests };
    if (hasTimedOut) {
      await log.say(`slipway: stopped after ${work.timeoutMs / 1_000} s, the stage's timeout`);
      return this.#failed(log, startedAt, { type: 'timed-out', afterMs: work.timeoutMs }, failed, tests);
    }
    if (cause !== undefined) {
      if (cause.type !== 'command') await log.say(`slipway: ${messageOfCause(cause)}`);
      return this.#failed(log, startedAt, cause, failed, tests);
    }
    const handed = await this.#handOn(work);
    if ('type' in handed) {
      await log.say(`slipway: ${messageOfCause(handed)}`);
      return this.#failed(log, startedAt, handed, [], tests);
    }
    return {
      outcome: 'succeeded',
      durationMs,
      artifacts: handed.artifacts,
      annotations: [],
      log: log.summary(),
      ...facts,
    };
  }

  async #reports(
    { reports }: AttemptWork,
    log: LogShipper,
  ): Promise<{ readonly tests?: TestSummary; readonly failed: readonly FailedTest[] }> {
    if (reports.length === 0) return { failed: [] };
    const { readReports } = await import('./read-reports.ts');
    const { remarks, ...read } = await readReports(this.#setting.workspace, reports);
    await log.say(...remarks);
    return read;
  }

  async #handOn(work: AttemptWork): Promise<{ readonly artifacts: readonly Artifact[] } | FailureCause> {
    if (work.artifactsOut.length === 0) return { artifacts: [] };
    const [{ handOn }, { ArchiveError }] = await Promise.all([
      import('./artifact-transfer.ts'),
      import('./archive.ts'),
    ]);
    try {
      return { artifacts: await handOn(this.#setting.workspace, work, this.#session) };
    } catch (error) {
      return { type: error instanceof ArchiveError ? 'configuration' : 'infrastructure', message: messageOf(error) };
    }
  }

  async #failed(
    log: LogShipper,
    startedAt: number,
    cause: FailureCause,
    failed: readonly FailedTest[],
    tests?: TestSummary,
  ): Promise<AttemptResult> {
    const { findEvidence } = await import('./evidence.ts');
    return {
      outcome: 'failed',
      durationMs: sinceMs(startedAt),
      cause,
      evidence: findEvidence(this.#setting.workspace, failed, log.recent),
      log: log.summary(),
      ...(tests === undefined ? {} : { tests }),
    };
  }

  /** Nothing that the commands or git say of a full disk is as clear as this. */
  async #causeOf(message: string): Promise<FailureCause> {
    return (await this.#fullDisk()) ?? { type: 'infrastructure', message };
  }

  async #fullDisk(): Promise<FailureCause | undefined> {
    for (const folder of [this.#setting.workspace, this.#setting.control]) {
      const { bavail, bsize, blocks } = await statfs(folder);
      if (bavail * bsize >= fullDiskBytes) continue;
      const size = Math.round((blocks * bsize) / 2 ** 20);
      return { type: 'configuration', message: `The disk of the stage's pod is full: all ${size} MiB of it are used` };
    }
    return undefined;
  }

  async #finish(result: AttemptResult | Promise<AttemptResult>): Promise<void> {
    if (this.#stopReason === undefined) await this.#session.finish(await result);
    await this.#leave();
  }

  async #leave(): Promise<void> {
    await this.#mark(control.leave);
    this.#session.close();
  }

  /** On a full disk the file cannot be made; then the pod's own end stops the commands. */
  async #mark(file: string): Promise<void> {
    await writeFile(join(this.#setting.control, file), '').catch((error: unknown) => {
      process.stderr.write(`slipway agent: ${messageOf(error)}\n`);
    });
  }
}

function sinceMs(begin: number): number {
  // A clock that was set back meanwhile is no reason to report nonsense.
  return Math.max(0, Math.round(Date.now() - begin));
}

function messageOfCause(cause: FailureCause): string {
  return 'message' in cause ? cause.message : cause.type;
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

const barred = process.env['SLIPWAY_BARRED_ADDRESS'];
const agent = new Agent({
  endpoint: required('SLIPWAY_AGENT_ENDPOINT'),
  tokenFile: required('SLIPWAY_AGENT_TOKEN_FILE'),
  workspace: required('SLIPWAY_WORKSPACE'),
  control: required('SLIPWAY_CONTROL'),
  home: required('HOME'),
  ...(barred === undefined
    ? {}
    : {
        barred: {
          address: barred,
          allowed: (process.env['SLIPWAY_ALLOWED_NETWORKS'] ?? '').split(',').filter((it) => it !== ''),
        },
      }),
});
process.on('SIGTERM', () => agent.interrupt());
try {
  await agent.run();
  process.exit(0);
} catch (error) {
  process.stderr.write(`slipway agent: ${messageOf(error)}\n`);
  process.exit(error instanceof RefusedError ? 3 : 1);
}
