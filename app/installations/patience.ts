import { setTimeout as sleep } from 'node:timers/promises';
import { GitHostError } from '../../providers/git-host-error.ts';

const maxTries = 4;
const firstWaitMs = 500;
/** A host that asks for more is come back to later. */
const longestWaitMs = 60_000;

/** Asks again what may succeed later, as long as the host asked for, or twice as long each time. @throws what it last threw */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof GitHostError) || !error.isTransient || tries === maxTries) throw error;
      const waitMs = error.retryAfterMs ?? firstWaitMs * 2 ** (tries - 1);
      if (waitMs > longestWaitMs) throw error;
      await sleep(waitMs);
    }
  }
}
