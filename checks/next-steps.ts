import { type Run, stageState } from '../engine/core/run.ts';
import { waitsForPeople, whoMay } from './waiting.ts';

/** Something that may be said now, by whom, and what it does. */
export interface NextStep {
  /** As it is typed, without the host's prefix: `retry`, `approve production`. */
  readonly command: string;
  readonly does: string;
  readonly who: string;
}

const writers = 'who may write here';
const anyone = 'anyone';

/** The few commands that apply to a run as it stands, the likeliest first; `/help` lists them all. */
export function nextSteps(run: Run): readonly NextStep[] {
  const why: NextStep = { command: 'why', does: 'tells what each stage waits for', who: anyone };
  if (run.outcome === undefined) {
    const cancel: NextStep = { command: 'cancel', does: 'stops this run', who: writers };
    const asked = Object.values(run.approvals).find(({ status }) => status === 'open');
    if (asked !== undefined) {
      const { environment } = asked.subject;
      const who = whoMay(asked);
      return [
        { command: `approve ${environment}`, does: 'lets the deploy go', who },
        { command: 'reject <reason>', does: 'stops it', who },
        why,
      ];
    }
    const held = run.plan.stages.find(
      ({ name, deploy }) => deploy !== undefined && waitsForPeople(run, name)?.startsWith('Held'),
    )?.deploy;
    if (held !== undefined)
      return [
        { command: `unlock ${held.environment}`, does: 'ends a lock', who: 'deployers' },
        { command: 'unhold', does: 'ends a hold of this change', who: writers },
        why,
      ];
    return [cancel, why];
  }
  const deployed = run.plan.stages.find(
    ({ name, deploy }) => deploy !== undefined && stageState(run, name).status === 'succeeded',
  )?.deploy;
  if (run.outcome === 'SUCCEEDED') {
    if (deployed === undefined) return [{ command: 'test', does: 'runs it once more', who: writers }];
    const back: NextStep = {
      command: `rollback ${deployed.environment}`,
      does: 'lists what ran there before, and goes back when confirmed',
      who: 'deployers',
    };
    if (deployed.known?.wasLive !== true) return [back];
    const revert: NextStep = {
      command: `revert ${deployed.environment}`,
      does: 'opens a pull request that takes back what the default branch holds beyond it',
      who: writers,
    };
    return [revert, back];
  }
  const failed = run.plan.stages.find(({ name }) => stageState(run, name).status === 'failed');
  return [
    {
      command: 'retry',
      does: 'runs what did not pass once more, on this commit',
      who: writers,
    },
    { command: failed === undefined ? 'why' : `why ${failed.name}`, does: 'tells why it did not pass', who: anyone },
  ];
}
