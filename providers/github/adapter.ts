import type { GitHost, GitHostCapabilities } from '../git-host.ts';
import { checks } from './checks.ts';
import { comments } from './comments.ts';
import { conversation } from './conversation.ts';
import { deployments } from './deployments.ts';
import { gitHubError } from './error.ts';
import { redeliverMissed } from './missed-deliveries.ts';
import { proposeState } from './propose-state.ts';
import { pullRequests } from './pull-requests.ts';
import { readingCode } from './reading-code.ts';
import { type GitHubAppOptions, gitHubSession } from './session.ts';

export const gitHubCapabilities: GitHostCapabilities = {
  checks: 'check-runs',
  annotations: true,
  commentMaxChars: 65_536,
  checkTextMaxBytes: 65_535,
  foldedSections: true,
  deployments: true,
  reactions: 'polled',
  labels: true,
  teams: true,
  rerunButton: true,
  slashCommandsTaken: false,
  redelivery: true,
  opensPullRequests: true,
  codeOwnersPaths: ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS'],
  permissionNames: { admin: 'Admin', write: 'Write', read: 'Read' },
  limits: {
    points: [{ amount: 900, perMs: 60_000 }],
    pointsPerRead: 1,
    pointsPerWrite: 5,
    content: [
      { amount: 80, perMs: 60_000 },
      { amount: 500, perMs: 3_600_000 },
    ],
  },
};

/** GitHub as a GitHub App; also GitHub Enterprise Server. */
export async function createGitHubHost(options: GitHubAppOptions): Promise<GitHost> {
  const session = await gitHubSession(options);
  const origin = options.baseUrl === undefined ? 'https://github.com' : new URL(options.baseUrl).origin;
  return {
    capabilities: gitHubCapabilities,
    ...readingCode(session, origin),
    ...pullRequests(session),
    ...checks(session),
    ...comments(session),
    ...conversation(session),
    ...deployments(session),
    ...proposeState(session),
    async redeliverMissed() {
      try {
        return await redeliverMissed(await session.app());
      } catch (error) {
        throw gitHubError('Looking for deliveries that were missed', error);
      }
    },
  };
}
