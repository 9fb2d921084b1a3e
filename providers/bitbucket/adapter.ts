import type { GitHost, GitHostCapabilities } from '../git-host.ts';
import { checks } from './checks.ts';
import { comments } from './comments.ts';
import { conversation } from './conversation.ts';
import { pullRequests } from './pull-requests.ts';
import { readingCode } from './reading-code.ts';
import { type BitbucketOptions, bitbucketSession } from './session.ts';

export const bitbucketCapabilities: GitHostCapabilities = {
  checks: 'statuses',
  annotations: true,
  // Bitbucket tells no limit; this one has been seen to work.
  commentMaxChars: 30_000,
  // A status has a line of description, which the title fills; the rest stands in the comment.
  checkTextMaxBytes: 65_535,
  foldedSections: false,
  // Only Bitbucket's own pipelines make them.
  deployments: false,
  reactions: 'none',
  labels: false,
  // Groups of a workspace can be asked for by its administrators alone.
  teams: false,
  rerunButton: false,
  slashCommandsTaken: false,
  redelivery: false,
  opensPullRequests: false,
  codeOwnersPaths: ['.bitbucket/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS'],
  permissionNames: { admin: 'Admin', write: 'Write', read: 'Read' },
  limits: { points: [{ amount: 1_000, perMs: 3_600_000 }], pointsPerRead: 1, pointsPerWrite: 1, content: [] },
};

/** Bitbucket Cloud, by the API token of a bot user. */
export function createBitbucketHost(options: BitbucketOptions): GitHost {
  const session = bitbucketSession(options);
  return {
    capabilities: bitbucketCapabilities,
    ...readingCode(session, options),
    ...pullRequests(session),
    ...checks(session, options),
    ...comments(session),
    ...conversation(session),
    proposeState: async () => undefined,
    publishDeployment: async () => undefined,
    redeliverMissed: async () => 0,
  };
}
