import type { DeployTarget } from '../engine/core/pipeline.ts';
import { whyUnanswered } from '../engine/unanswered.ts';

const requestMs = 3_000;

/** Asks a service once what its deploy wants answered. @returns whether it did, and words for where it did not */
export async function smokeRequest(
  url: string,
  { smoke }: DeployTarget,
): Promise<{ readonly passed: boolean; readonly message: string }> {
  try {
    const response = await fetch(new URL(smoke.path, url), {
      signal: AbortSignal.timeout(requestMs),
      redirect: 'manual',
    });
    await response.body?.cancel();
    return {
      passed: response.status === smoke.expectStatus,
      message: `${smoke.path} answered ${response.status}, not ${smoke.expectStatus}`,
    };
  } catch (error) {
    return { passed: false, message: `${smoke.path} did not answer: ${whyUnanswered(error)}` };
  }
}
