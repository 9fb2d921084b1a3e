import type { GitHost, GitHostCapabilities } from '../git-host.ts';
import { checks } from './checks.ts';
import { comments } from './comments.ts';
import { conversation } from './conversation.ts';
import { permissions } from './permissions.ts';
import { pullRequests } from './pull-requests.ts';
import { readingCode } from './reading-code.ts';
import { type GiteaOptions, giteaSession } from './session.ts';

export const giteaCapabilities: GitHostCapabilities = {
  checks: 'statuses',
  annotations: false,
  commentMaxChars: 65_536,
  // A status has a line of description, which the title fills; the rest stands in the comment.
  checkTextMaxBytes: 65_535,
  foldedSections: true,
  deployments: false,
  reactions: 'polled',
  labels: true,
  teams: true,
  rerunButton: false,
  slashCommandsTaken: false,
  redelivery: false,
  opensPullRequests: false,
  codeOwnersPaths: ['CODEOWNERS', 'docs/CODEOWNERS', '.gitea/CODEOWNERS'],
  permissionNames: { admin: 'Administrator', write: 'Write', read: 'Read' },
  limits: { points: [], pointsPerRead: 1, pointsPerWrite: 1, content: [] },
};

/** A Gitea, by the token of a bot user. */
export function createGiteaHost(options: GiteaOptions): GitHost {
  const session = giteaSession(options);
  return {
    capabilities: giteaCapabilities,
    ...readingCode(session, options),
    ...pullRequests(session),
    ...permissions(session),
    ...checks(session),
    ...comments(session),
    ...conversation(session),
    proposeState: async () => undefined,
    publishDeployment: async () => undefined,
    redeliverMissed: async () => 0,
  };
}
