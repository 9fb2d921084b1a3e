import { code, escaped } from '../../checks/markdown.ts';
import { environmentPolicy } from '../../engine/core/policy.ts';
import { type Run, stageState } from '../../engine/core/run.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import { isAt, placeOf } from '../steering/approvals.ts';
import type { Stops } from '../steering/stops.ts';
import { type Answer, type Asked, denied, done, refused } from './answer.ts';
import { policyAt, rightOf } from './rights.ts';

/** Keeps deploys from starting, and lets them go again: `/hold`, `/unhold`, `/lock`, `/unlock`. */
export class StopDeploys {
  readonly #loop: RunLoop;
  readonly #stops: Stops;
  readonly #clock: Clock;

  constructor(parts: { readonly loop: RunLoop; readonly stops: Stops; readonly clock: Clock }) {
    this.#loop = parts.loop;
    this.#stops = parts.stops;
    this.#clock = parts.clock;
  }

  /** `/hold`, `/unhold`: what this pull request brought. */
  async hold(asked: Asked, reason: string, change: 'put' | 'lift'): Promise<Answer> {
    const { repository, number, by, host } = asked;
    const right = await rightOf(host, repository, by, [], change === 'put' ? 'Holding' : 'Ending a hold');
    if (!right.may) return denied(escaped(right.why));
    const subject = { type: 'pull request', number } as const;
    if (change === 'put') {
      await this.#stops.put(repository, subject, { by: by.login, reason, at: this.#clock.now() });
      return done(reason === '' ? 'held' : `held: ${reason}`);
    }
    const wasHeld = await this.#stops.lift(repository, subject);
    await this.releaseHeld();
    return wasHeld ? done('ended the hold') : refused('This pull request is not held');
  }

  /** The label `skip-deploy` after the merge: what waits to be deployed waits on. Before it, the merge leaves deploys out. */
  async skip(asked: Asked, change: 'put' | 'lift'): Promise<Answer> {
    const { repository, number, by, host } = asked;
    const subject = { type: 'label', number } as const;
    if (change === 'put') {
      const waits = this.#loop
        .drivenRuns()
        .filter((run) => isAt(run, { tenant: repository.tenant, repositoryId: repository.id, number }))
        .some((run) => run.plan.stages.some(({ name, deploy }) => deploy !== undefined && !hasBegun(run, name)));
      if (!waits) return refused('Nothing of this pull request waits to be deployed any more');
      await this.#stops.put(repository, subject, { by: by.login, reason: 'label', at: this.#clock.now() });
      return done('skip-deploy: what waits to be deployed is held');
    }
    if ((await this.#stops.find(repository, subject)) === undefined) return done('nothing was held by the label');
    const right = await rightOf(host, repository, by, [], 'Letting it be deployed');
    if (!right.may) return denied(escaped(right.why));
    await this.#stops.lift(repository, subject);
    await this.releaseHeld();
    return done('ended what the label held');
  }

  /** `/lock`, `/unlock`: everything in an environment. */
  async lock(asked: Asked, environment: string | undefined, reason: string, change: 'put' | 'lift'): Promise<Answer> {
    const { repository, by, host } = asked;
    if (environment === undefined)
      return refused(
        `Name the environment, for example ${code(`/${change === 'put' ? 'lock' : 'unlock'} production`)}`,
      );
    const branch = await host.defaultBranch(repository);
    const at = await policyAt(host, repository, branch);
    if (at === undefined) return refused(`The policy on ${code(branch)} cannot be read, so nobody may lock or unlock`);
    const deployers = environmentPolicy(at.policy, environment)?.deployers ?? [];
    const what = `${change === 'put' ? 'Locking' : 'Unlocking'} ${environment}`;
    const right = await rightOf(host, repository, by, deployers, what);
    if (!right.may) return denied(escaped(right.why), { policySha: at.sha });
    const subject = { type: 'environment', environment } as const;
    if (change === 'put') {
      const before = await this.#stops.find(repository, subject);
      if (before !== undefined && before.by !== by.login)
        return refused(`${code(environment)} is locked by ${escaped(before.by)} already: ${escaped(before.reason)}`);
      await this.#stops.put(repository, subject, { by: by.login, reason, at: this.#clock.now() });
      return done(`locked ${environment}`, { policySha: at.sha });
    }
    const wasLocked = await this.#stops.lift(repository, subject);
    await this.releaseHeld();
    return wasLocked
      ? done(`unlocked ${environment}`, { policySha: at.sha })
      : refused(`${code(environment)} is not locked`);
  }

  /** Lets go what nothing stops any more; a job calls it too, for a process may die in between. */
  async releaseHeld(): Promise<void> {
    for (const run of this.#loop.drivenRuns()) {
      for (const { name, deploy } of run.plan.stages) {
        const state = run.stages[name];
        if (deploy === undefined || state?.status !== 'waiting' || state.heldBecause === undefined) continue;
        const reason = await this.#stops.reason(run.repository, deploy.environment, placeOf(run));
        if (reason === undefined) await this.#loop.send(run.runId, { type: 'ReleaseStage', stage: name });
      }
    }
  }
}

function hasBegun(run: Run, stage: string): boolean {
  const { status } = stageState(run, stage);
  return status !== 'waiting' && status !== 'scheduled';
}
