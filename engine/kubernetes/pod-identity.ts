import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose';
import { z } from 'zod';
import type { PodIdentity } from '../ports/attempt-host.ts';
import { EngineError } from '../ports/errors.ts';

export const agentAudience = 'slipway';

const claimsSchema = z.object({
  'kubernetes.io': z.object({ namespace: z.string(), pod: z.object({ name: z.string(), uid: z.string() }) }),
});

/**
 * Checks tokens against the cluster's own keys, without asking it each time.
 * @param options.issuer as the cluster states it in its tokens
 * @param options.fetch reaches the cluster's key set with the right certificates and credentials
 * @returns a function that throws EngineError `denied` for any other token
 */
export function podIdentity(options: {
  readonly issuer: string;
  readonly keysUrl: string;
  readonly fetch: typeof fetch;
}): (token: string) => Promise<PodIdentity> {
  const keys = createRemoteJWKSet(new URL(options.keysUrl), {
    [customFetch]: options.fetch,
    cooldownDuration: 5_000,
    timeoutDuration: 5_000,
  });
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, { issuer: options.issuer, audience: agentAudience });
      const { namespace, pod } = claimsSchema.parse(payload)['kubernetes.io'];
      return { namespace, podName: pod.name };
    } catch (cause) {
      throw new EngineError({
        code: 'denied',
        what: 'Identifying an agent',
        why: cause instanceof Error ? cause.message : 'The token cannot be read',
        fix: 'Agents use the token that the cluster mounts into their own pod',
        cause,
      });
    }
  };
}
