import { createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { agentAudience } from '../agent-token.ts';
import type { PodIdentity } from '../ports/attempt-host.ts';
import { EngineError } from '../ports/errors.ts';

const claimsSchema = z.object({
  'kubernetes.io': z.object({ namespace: z.string(), pod: z.object({ name: z.string(), uid: z.string() }) }),
});

/**
 * Checks tokens against the cluster's own keys, without asking it each time.
 * @param options.issuer as the cluster states it in its tokens
 * @param options.loadKeys gets the cluster's key set (`/openid/v1/jwks`)
 * @returns a function that throws EngineError `denied` for any other token; `unavailable` while the keys cannot be had,
 * and for a token whose time is over: its node renews it, and until then the pod is still the pod
 */
export function podIdentity(options: {
  readonly issuer: string;
  readonly loadKeys: () => Promise<unknown>;
}): (token: string) => Promise<PodIdentity> {
  const { issuer, loadKeys } = options;
  // jose caches the keys and asks again for an unknown one; how they are fetched is ours, since the cluster wants credentials.
  const keys = createRemoteJWKSet(new URL('https://cluster/openid/v1/jwks'), {
    [customFetch]: async () => Response.json(await loadKeys()),
    cooldownDuration: 5_000,
  });
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, { issuer, audience: agentAudience });
      const { namespace, pod } = claimsSchema.parse(payload)['kubernetes.io'];
      return { namespace, podName: pod.name };
    } catch (cause) {
      if (cause instanceof errors.JWTExpired) {
        throw new EngineError({
          code: 'unavailable',
          what: 'Identifying an agent',
          why: 'The time of its token is over',
          fix: 'It is tried again: the node gives the pod a new one',
          cause,
        });
      }
      // A fault of the key set's transport is the cluster's, not the token's.
      const isCluster = !(cause instanceof errors.JOSEError || cause instanceof z.ZodError);
      throw new EngineError({
        code: isCluster || cause instanceof errors.JWKSTimeout ? 'unavailable' : 'denied',
        what: 'Identifying an agent',
        why: isCluster
          ? `The cluster's keys cannot be had: ${cause instanceof Error ? cause.message : String(cause)}`
          : 'Its token is not valid',
        fix: isCluster ? 'It is tried again' : 'Agents use the token that the cluster mounts into their own pod',
        cause,
      });
    }
  };
}
