import type { GitHostError } from '../git-host-error.ts';
import { commonFixes, hostError } from '../host-fault.ts';

const gitLab = {
  name: 'GitLab',
  fixes: {
    ...commonFixes,
    denied: 'Check that GITLAB_TOKEN is in date, has the scope `api`, and that its user is a Maintainer of the project',
    'not-found': "Check that the token's user is a member of this project",
    'rate-limited': 'It is tried again when GitLab allows it',
  },
};

/** A fault of gitbeaker's requests in our words. */
export function gitLabError(what: string, error: unknown): GitHostError {
  return hostError(gitLab, what, error);
}
