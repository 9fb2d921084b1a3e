import type { Deployment, DeploymentState, DeploymentStatus } from '../check-entities.ts';
import { type Actor, type Host, timestamp } from '../host.ts';

/** Adds a status. A success makes the environment's earlier lasting deployments inactive, unless told otherwise, as at GitHub. */
export function setDeploymentStatus(
  host: Host,
  deployment: Deployment,
  actor: Actor,
  status: {
    readonly state: DeploymentState;
    readonly description: string;
    readonly environmentUrl: string;
    readonly logUrl: string;
    readonly others: 'become-inactive' | 'stay';
  },
): DeploymentStatus {
  const { others, ...facts } = status;
  return host.store.atomically(() => {
    const now = timestamp(host.now());
    if (status.state === 'success' && others === 'become-inactive')
      for (const earlier of host.store.deployments.list(deployment.repositoryId)) {
        const isReplaced =
          earlier.id < deployment.id &&
          earlier.environment === deployment.environment &&
          !earlier.transientEnvironment &&
          latestStatus(host, earlier)?.state === 'success';
        if (isReplaced)
          host.store.deploymentStatuses.insert({
            deploymentId: earlier.id,
            state: 'inactive',
            description: '',
            environmentUrl: '',
            logUrl: '',
            creatorId: actor.account.id,
            createdAt: now,
          });
      }
    host.store.deployments.save({ ...deployment, updatedAt: now });
    return host.store.deploymentStatuses.insert({
      ...facts,
      deploymentId: deployment.id,
      creatorId: actor.account.id,
      createdAt: now,
    });
  });
}

export function latestStatus(host: Host, deployment: Deployment): DeploymentStatus | undefined {
  return host.store.deploymentStatuses.newest(deployment.id, 1)[0];
}
