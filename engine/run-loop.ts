import { randomUUID } from 'node:crypto';
import { type Decision, decide } from './core/decide.ts';
import { evolve, type Run } from './core/run.ts';
import type { RunCommand } from './core/run-commands.ts';
import type { RunEvent } from './core/run-events.ts';
import type { Clock } from './ports/clock.ts';
import { EngineError } from './ports/errors.ts';
import type { EventStore } from './ports/event-store.ts';
import type { SnapshotStore } from './ports/snapshot-store.ts';

/** A run after a commit, and what the commit held (nothing when the run was only taken over). */
export interface RunChange {
  readonly run: Run;
  readonly version: number;
  readonly events: readonly RunEvent[];
}

/** What a command came to: the run as it is now, or why it was refused. */
export type Sent = ({ readonly ok: true } & RunChange) | Extract<Decision, { ok: false }>;

/** What is to land in the same commit as the events before it. */
export interface Alongside {
  readonly command: RunCommand;
  /** The commit landed or failed. Called before anybody is told of it. */
  settled(): void;
}

interface Driven {
  run: Run | undefined;
  version: number;
  epoch: number;
  /** Commands of one run are decided one after another; each waits for the one before. */
  tail: Promise<unknown>;
}

const conflictRetries = 5;
const snapshotEvery = 50;
const takeOversAtOnce = 16;

/** Drives runs: load, decide, append, tell. Runs that have ended leave memory; a command for one loads it again. */
export class RunLoop {
  readonly #events: EventStore<RunEvent>;
  readonly #snapshots: SnapshotStore;
  readonly #clock: Clock;
  readonly #replica: string;
  readonly #onError: (error: unknown) => void;
  readonly #driven = new Map<string, Driven>();
  readonly #listeners: ((change: RunChange) => void)[] = [];
  #follow: (run: Run) => Alongside | undefined = () => undefined;

  constructor(parts: {
    readonly events: EventStore<RunEvent>;
    readonly snapshots: SnapshotStore;
    readonly clock: Clock;
    readonly replica: string;
    /** Told of what failed and took nothing with it. */
    readonly onError: (error: unknown) => void;
  }) {
    this.#events = parts.events;
    this.#snapshots = parts.snapshots;
    this.#clock = parts.clock;
    this.#replica = parts.replica;
    this.#onError = parts.onError;
  }

  /** Called after each commit, in order per run, before the command's promise resolves. Must not throw or wait. */
  onChange(listener: (change: RunChange) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Asks, whenever stages may have become ready, what follows from that at once: it costs no commit of its own.
   * @param follow is given the run as it is once the commit has landed; must not throw or wait
   */
  onReady(follow: (run: Run) => Alongside | undefined): void {
    this.#follow = follow;
  }

  /** The run as this replica drives it now; ended ones are not here. */
  driven(runId: string): Run | undefined {
    return this.#driven.get(runId)?.run;
  }

  drivenRuns(): Run[] {
    return [...this.#driven.values()].flatMap(({ run }) => (run === undefined ? [] : [run]));
  }

  /** @throws EngineError `unavailable` when the store cannot tell whether the events were kept */
  async send(runId: string, command: RunCommand): Promise<Sent> {
    const driven = await this.#drive(runId);
    const sent = driven.tail.then(() => this.#decideAndAppend(runId, driven, command));
    // Who sent it hears of a failure; those behind it only wait until it is over.
    driven.tail = sent.catch(() => undefined);
    return sent;
  }

  /**
   * Takes a run over: from here on commands of the replica before are refused.
   * @returns undefined when there is no such run
   */
  async takeOver(runId: string): Promise<Run | undefined> {
    const last = await this.runAt(runId, Number.MAX_SAFE_INTEGER);
    if (last === undefined) return undefined;
    if (last.run.outcome !== undefined) {
      // It ended, and whoever shows it may not have heard: told once more, and not driven.
      for (const listener of this.#listeners) listener({ ...last, events: [] });
      return last.run;
    }
    const driven = await this.#drive(runId);
    return driven.run;
  }

  /** Takes over all of these, several at a time. */
  async takeOverAll(runIds: readonly string[]): Promise<void> {
    const left = [...runIds].values();
    await Promise.all(
      Array.from({ length: takeOversAtOnce }, async () => {
        for (const runId of left) await this.takeOver(runId);
      }),
    );
  }

  /** The run as it was after a commit; undefined when there is no such run or commit. */
  async runAt(runId: string, version: number): Promise<RunChange | undefined> {
    const commits = (await this.#events.load(runId, 0)).filter((commit) => commit.version <= version);
    const last = commits.at(-1);
    const run = fold(undefined, commits);
    return last === undefined || run === undefined ? undefined : { run, version: last.version, events: last.events };
  }

  /** All commits of a run, oldest first. */
  history(runId: string): ReturnType<EventStore<RunEvent>['load']> {
    return this.#events.load(runId, 0);
  }

  async #drive(runId: string): Promise<Driven> {
    const known = this.#driven.get(runId);
    if (known !== undefined) {
      await known.tail;
      return this.#driven.get(runId) ?? this.#drive(runId);
    }
    const driven: Driven = { run: undefined, version: 0, epoch: 1, tail: Promise.resolve() };
    this.#driven.set(runId, driven);
    const taken = this.#claim(runId, driven);
    driven.tail = taken.catch(() => this.#driven.delete(runId));
    await taken;
    return driven;
  }

  async #claim(runId: string, driven: Driven): Promise<void> {
    await this.#reload(runId, driven);
    if (driven.run === undefined) return;
    const epoch = driven.run.epoch + 1;
    const claimed = await this.#decideAndAppend(runId, driven, { type: 'ClaimRun', replica: this.#replica, epoch });
    if (!claimed.ok) throw fenced(runId, claimed.reason);
    driven.epoch = epoch;
  }

  async #reload(runId: string, driven: Driven): Promise<void> {
    const snapshot = await this.#snapshots.latest(runId);
    const commits = await this.#events.load(runId, snapshot?.version ?? 0);
    driven.run = fold(snapshot?.run, commits);
    driven.version = commits.at(-1)?.version ?? snapshot?.version ?? 0;
  }

  async #decideAndAppend(runId: string, driven: Driven, command: RunCommand): Promise<Sent> {
    const commandId = randomUUID();
    for (let attempt = 0; attempt <= conflictRetries; attempt += 1) {
      const decision = decide(command, driven.run, { at: this.#clock.now(), epoch: driven.epoch });
      if (!decision.ok) {
        if (decision.code === 'fenced' || driven.run === undefined || driven.run.outcome !== undefined)
          this.#driven.delete(runId);
        return decision;
      }
      const { events } = decision;
      if (events.length === 0 && driven.run !== undefined)
        return { ok: true, run: driven.run, version: driven.version, events };
      const version = driven.version + 1;
      const next = this.#withAlongside(command, evolved(driven.run, events), events, driven.epoch);
      let outcome: 'appended' | 'conflict';
      try {
        outcome = await this.#events.append({ stream: runId, version, commandId, events: next.events });
      } finally {
        next.settled();
      }
      if (outcome === 'appended') return this.#appended(runId, driven, version, next);
      await this.#reload(runId, driven);
    }
    throw new EngineError({
      code: 'conflict',
      what: `${command.type} on run ${runId}`,
      why: `${conflictRetries} attempts lost against other commits`,
      fix: 'Try again; two replicas may be driving the same run',
    });
  }

  #withAlongside(command: RunCommand, run: Run, events: readonly RunEvent[], epoch: number) {
    const isAsked = command.type === 'CreateRun' || command.type === 'RecordResult';
    const also = isAsked && run.outcome === undefined ? this.#follow(run) : undefined;
    const settled = () => also?.settled();
    const decision = also === undefined ? undefined : decide(also.command, run, { at: this.#clock.now(), epoch });
    return decision?.ok === true
      ? { run: evolved(run, decision.events), events: [...events, ...decision.events], settled }
      : { run, events, settled };
  }

  #appended(
    runId: string,
    driven: Driven,
    version: number,
    { run, events }: { readonly run: Run; readonly events: readonly RunEvent[] },
  ): Sent {
    driven.run = run;
    driven.version = version;
    if (version % snapshotEvery === 0) void this.#saveSnapshot(run, version);
    const change: RunChange = { run, version, events };
    if (run.outcome !== undefined) this.#driven.delete(runId);
    // One that had ended, and was claimed to be run again.
    else if (!this.#driven.has(runId)) this.#driven.set(runId, driven);
    for (const listener of this.#listeners) listener(change);
    return { ok: true, ...change };
  }

  async #saveSnapshot(run: Run, version: number): Promise<void> {
    // A lost snapshot costs a longer replay and nothing else, so its failure must not fail the commit.
    await this.#snapshots.save(run, version).catch(this.#onError);
  }
}

/** @throws RangeError when there is no run before the events, and none of them makes one */
function evolved(before: Run | undefined, events: readonly RunEvent[]): Run {
  const run = fold(before, [{ events }]);
  if (run === undefined) throw new RangeError('A commit before any run holds no events');
  return run;
}

/** Folds commits onto a run. */
function fold(run: Run | undefined, commits: readonly { readonly events: readonly RunEvent[] }[]): Run | undefined {
  let folded = run;
  for (const commit of commits) for (const event of commit.events) folded = evolve(folded, event);
  return folded;
}

function fenced(runId: string, why: string): EngineError {
  return new EngineError({
    code: 'fenced',
    what: `Taking over run ${runId}`,
    why,
    fix: 'Another replica drives it; ask that one',
  });
}
