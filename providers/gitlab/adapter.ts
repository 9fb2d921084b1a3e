import type { GitHost, GitHostCapabilities } from '../git-host.ts';
import { checks } from './checks.ts';
import { comments } from './comments.ts';
import { conversation } from './conversation.ts';
import { deployments } from './deployments.ts';
import { proposeState } from './propose-state.ts';
import { pullRequests } from './pull-requests.ts';
import { readingCode } from './reading-code.ts';
import { type GitLabOptions, gitLabSession } from './session.ts';

export const gitLabCapabilities: GitHostCapabilities = {
  checks: 'statuses',
  annotations: false,
  commentMaxChars: 1_000_000,
  // A status has a line of description, which the title fills; the rest stands in the comment.
  checkTextMaxBytes: 65_535,
  foldedSections: true,
  deployments: true,
  reactions: 'told',
  labels: true,
  teams: true,
  rerunButton: false,
  slashCommandsTaken: true,
  redelivery: false,
  opensPullRequests: true,
  codeOwnersPaths: ['CODEOWNERS', 'docs/CODEOWNERS', '.gitlab/CODEOWNERS'],
  permissionNames: { admin: 'Maintainer', write: 'Developer', read: 'Reporter' },
  // Of GitLab.com; self-managed ones set their own, or none.
  limits: {
    points: [{ amount: 2_000, perMs: 60_000 }],
    pointsPerRead: 1,
    pointsPerWrite: 1,
    content: [{ amount: 60, perMs: 60_000 }],
  },
};

/** GitLab.com or a self-managed GitLab, by the token of a bot user. */
export function createGitLabHost(options: GitLabOptions): GitHost {
  const session = gitLabSession(options);
  return {
    capabilities: gitLabCapabilities,
    ...readingCode(session, options),
    ...pullRequests(session),
    ...proposeState(session),
    ...checks(session),
    ...comments(session),
    ...conversation(session),
    ...deployments(session),
    redeliverMissed: async () => 0,
  };
}
