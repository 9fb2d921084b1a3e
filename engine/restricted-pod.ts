/** Whom the processes of every pod of Slipway's run as; images need no such user. */
const user = 1_000;

/** What Pod Security "restricted" asks of a pod. `fsGroup: restrictedPod.runAsGroup` beside it where volumes are written. */
export const restrictedPod = {
  runAsNonRoot: true,
  runAsUser: user,
  runAsGroup: user,
  seccompProfile: { type: 'RuntimeDefault' },
};

/** What it asks of each container. */
export const restrictedContainer = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
};
