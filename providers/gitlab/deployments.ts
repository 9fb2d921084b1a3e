import type { DeploymentReport, GitHost } from '../git-host.ts';
import { isAnswer } from '../host-fault.ts';
import type { GitLabSession } from './session.ts';

const states = {
  in_progress: 'running',
  success: 'success',
  failure: 'failed',
  inactive: 'canceled',
} as const satisfies Record<DeploymentReport['state'], string>;

/** Deployments; the environment is made with the first one. */
export function deployments(session: GitLabSession): Pick<GitHost, 'publishDeployment'> {
  return {
    publishDeployment: (repository, { environment, sha, state }, known) =>
      session.call(`Reporting the deployment to ${environment}`, repository, async (api, projectId) => {
        const status = states[state];
        if (known === undefined) {
          const { default_branch } = await api.Projects.show(projectId);
          const { id } = await api.Deployments.create(projectId, environment, sha, default_branch, false, { status });
          return String(id);
        }
        // A newer deployment makes an older one inactive by itself; what has ended cannot be cancelled.
        if (state === 'inactive') return known;
        try {
          await api.Deployments.edit(projectId, Number(known), status);
        } catch (error) {
          if (!isAnswer(error, 400, /cannot transition/i)) throw error;
          if ((await api.Deployments.show(projectId, Number(known))).status !== status) throw error;
        }
        return known;
      }),
  };
}
