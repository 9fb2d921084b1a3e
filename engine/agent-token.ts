/** Whom an agent's token convinces; at the API server it opens nothing. */
export const agentAudience = 'slipway';

/** Where the token's volume is mounted, in the agent's container alone. */
export const tokenFolder = '/slipway/token';
const lifetimeSeconds = 3_600;

/** The token by which an agent proves in which pod it is: the kubelet makes it, renews it, and it ends with the pod. */
export const tokenVolume = {
  name: 'token',
  projected: {
    sources: [{ serviceAccountToken: { audience: agentAudience, expirationSeconds: lifetimeSeconds, path: 'token' } }],
  },
};
