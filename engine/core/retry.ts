import type { PlannedStage } from './pipeline.ts';
import type { FailureCause } from './run-events.ts';

/** What follows a failed attempt. */
export type Retry =
  | { readonly again: true; readonly delayMs: number; readonly reason: string }
  | { readonly again: false };

const infrastructureRetries = 3;
const firstDelayMs = 1_000;
const delayFactor = 4;

/**
 * The change pays with its own `retries`; infrastructure faults are retried within a bound of their own and cost it
 * nothing; too little memory is tried once more with twice as much; all else needs a person.
 * @param earlier what the stage's earlier attempts died of, oldest first
 */
export function afterFailure(
  stage: PlannedStage,
  earlier: readonly FailureCause['type'][],
  cause: FailureCause,
): Retry {
  const same = earlier.filter((type) => type === cause.type).length;
  switch (cause.type) {
    case 'command':
    case 'timed-out': {
      const used = earlier.filter((type) => type === 'command' || type === 'timed-out').length;
      return used < stage.retries
        ? { again: true, delayMs: 0, reason: `${describe(cause)}; retry ${used + 1} of ${stage.retries}` }
        : { again: false };
    }
    case 'infrastructure':
      return same < infrastructureRetries && stage.deploy === undefined
        ? {
            again: true,
            delayMs: firstDelayMs * delayFactor ** same,
            reason: `${describe(cause)}; retry ${same + 1} of ${infrastructureRetries}, not counted against the change`,
          }
        : { again: false };
    case 'out-of-memory':
      return same === 0
        ? { again: true, delayMs: 0, reason: `${describe(cause)}; once more with twice the memory` }
        : { again: false };
    case 'not-ready':
    case 'configuration':
      return { again: false };
  }
}

/** Memory for the next attempt: doubled for each one that ran out of it. */
export function memoryForAttempt(stage: PlannedStage, earlier: readonly FailureCause['type'][]): number {
  return stage.resources.memoryBytes * 2 ** earlier.filter((type) => type === 'out-of-memory').length;
}

function describe(cause: FailureCause): string {
  switch (cause.type) {
    case 'command':
      return `exit code ${cause.exitCode}`;
    case 'timed-out':
      return `no end after ${cause.afterMs / 1_000} s`;
    case 'out-of-memory':
      return `out of memory at ${Math.round(cause.limitBytes / 2 ** 20)} MiB`;
    case 'infrastructure':
    case 'not-ready':
    case 'configuration':
      return cause.message;
  }
}
