import type { GitHostError } from '../git-host-error.ts';
import { commonFixes, hostError } from '../host-fault.ts';

const gitea = {
  name: 'Gitea',
  fixes: {
    ...commonFixes,
    denied:
      'Check that GITEA_TOKEN has the scopes that the guide lists, and that its user administrates the repository',
    'not-found': "Check that the token's user may see this repository",
    'rate-limited': 'It is tried again when Gitea allows it',
  },
};

/** A fault of a request in our words. Gitea itself has no limits; a proxy before it may. */
export function giteaError(what: string, error: unknown): GitHostError {
  return hostError(gitea, what, error);
}
