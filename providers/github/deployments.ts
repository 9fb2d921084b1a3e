import type { GitHost } from '../git-host.ts';
import type { GitHubSession } from './session.ts';

/** Deployments and their statuses. */
export function deployments(session: GitHubSession): Pick<GitHost, 'publishDeployment'> {
  return {
    publishDeployment: (repository, report, known) =>
      session.call(`Reporting the deployment to ${report.environment}`, repository, async (octokit, at) => {
        let id = known === undefined ? undefined : Number(known);
        if (id === undefined) {
          const { data } = await octokit.request('POST /repos/{owner}/{repo}/deployments', {
            ...at,
            ref: report.sha,
            environment: report.environment,
            description: report.description.slice(0, 140),
            auto_merge: false,
            required_contexts: [],
          });
          if (!('id' in data)) return undefined;
          id = Number(data.id);
        }
        await octokit.request('POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses', {
          ...at,
          deployment_id: id,
          state: report.state,
          description: report.description.slice(0, 140),
          ...(report.url === undefined ? {} : { environment_url: report.url }),
        });
        return String(id);
      }),
  };
}
