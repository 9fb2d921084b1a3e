import { type Decision, decide } from '../../../engine/core/decide.ts';
import type { Plan, PlannedStage } from '../../../engine/core/pipeline.ts';
import { evolve, type Run } from '../../../engine/core/run.ts';
import type { AttemptResult, RunCommand } from '../../../engine/core/run-commands.ts';
import type { RunEvent } from '../../../engine/core/run-events.ts';
import { type PushTrigger, Sha } from '../../../engine/core/trigger.ts';

export const trigger: PushTrigger = {
  type: 'push',
  repository: { provider: 'github', tenant: 'github:1', id: '7', owner: 'acme', name: 'web' },
  defaultBranch: 'main',
  actor: { login: 'dev', id: '3' },
  title: 'Add numbers',
  headSha: Sha('a'.repeat(40)),
  branch: 'main',
};

export function stage(name: string, facts: Partial<PlannedStage> = {}): PlannedStage {
  return {
    name,
    kind: 'test',
    needs: [],
    image: 'node:24',
    commands: ['true'],
    env: {},
    timeoutMs: 60_000,
    retries: 0,
    resources: { cpuMillicores: 500, memoryBytes: 2 ** 29 },
    artifactsIn: [],
    artifactsOut: [],
    reports: [],
    when: {},
    ...facts,
  };
}

export const succeeded: AttemptResult = {
  outcome: 'succeeded',
  durationMs: 5,
  artifacts: [],
  annotations: [],
  log: { lines: 1, bytes: 3, sha256: 'e3' },
};

export function failed(facts: Partial<Extract<AttemptResult, { outcome: 'failed' }>> = {}): AttemptResult {
  return {
    outcome: 'failed',
    durationMs: 5,
    cause: { type: 'command', exitCode: 1 },
    evidence: { excerpt: ['boom'], annotations: [] },
    log: { lines: 1, bytes: 3, sha256: 'e3' },
    ...facts,
  };
}

/** A run under test: commands go in, events come out, time moves by a second a command. */
export class GivenRun {
  run: Run | undefined;
  readonly events: RunEvent[] = [];
  #second = 0;

  constructor(...planned: readonly PlannedStage[] | readonly [Plan]) {
    const stages = planned.flatMap((each) => ('stages' in each ? each.stages : [each]));
    const plan = planned.find((each) => 'stages' in each) ?? { source: { type: 'detected', explanation: [] }, stages };
    this.send({
      type: 'CreateRun',
      runId: 'r1',
      trigger,
      plan,
      lane: 'main',
      team: 'acme/web',
      replica: 'one',
    });
  }

  send(command: RunCommand, epoch = this.run?.epoch ?? 1): Decision {
    this.#second += 1;
    const decision = decide(command, this.run, { at: this.now(), epoch });
    if (decision.ok) {
      this.events.push(...decision.events);
      for (const event of decision.events) this.run = evolve(this.run, event);
    }
    return decision;
  }

  now(): Date {
    return new Date(this.#second * 1_000);
  }

  /** Schedules, starts and ends the next attempt of a stage. */
  finish(name: string, result: AttemptResult): Decision {
    this.send({ type: 'ScheduleStage', stage: name, reason: 'test' });
    const state = this.state(name);
    if (state.status !== 'scheduled') throw new Error(`${name} is ${state.status}`);
    this.send({ type: 'StartStage', stage: name, attempt: state.attempt });
    return this.send({ type: 'RecordResult', stage: name, attempt: state.attempt, result });
  }

  state(name: string) {
    const state = this.run?.stages[name];
    if (state === undefined) throw new Error(`no stage ${name}`);
    return state;
  }

  get current(): Run {
    if (this.run === undefined) throw new Error('no run');
    return this.run;
  }
}
