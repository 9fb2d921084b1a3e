const firstWaitMs = 200;
const maxWaitMs = 5_000;

/**
 * Does something until it works, waiting longer each time.
 * @param options.isFinal whether a fault stays, however often it is tried
 * @throws the last fault, when it is final or the time is up
 */
export async function tryAgain<T>(
  act: () => Promise<T>,
  options: { readonly forMs: number; readonly isFinal: (error: unknown) => boolean },
): Promise<T> {
  const until = performance.now() + options.forMs;
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, maxWaitMs)) {
    try {
      return await act();
    } catch (error) {
      if (options.isFinal(error) || performance.now() + waitMs > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}
