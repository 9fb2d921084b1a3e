import { faultOf, type HostCredentials } from '../git-host-credentials.ts';
import { Account, personOf } from './schema.ts';
import type { BitbucketSession } from './session.ts';

const name = 'BITBUCKET_TOKEN';

/** Scopes of API tokens; older kinds of tokens name theirs otherwise, and are not judged by it. */
const needed = ['user', 'workspace', 'repository', 'pullrequest', 'webhook'].map((of) => `read:${of}:bitbucket`);
const neededToWrite = [
  'admin:repository:bitbucket',
  'write:repository:bitbucket',
  'write:pullrequest:bitbucket',
  'write:webhook:bitbucket',
];

/** The bot user's API token. Bitbucket does not tell when it ends; what it clones with is tried out by who clones. */
export function credentials(session: BitbucketSession): HostCredentials {
  return {
    async examine() {
      try {
        const { data, headers } = await session.ask("Asking for the token's user", (api) => api.user.get({}));
        const { login: actsAs } = personOf(Account.parse(data));
        const scopes = scopesIn(headers?.['x-oauth-scopes']);
        if (scopes === undefined) return [{ name, actsAs, faults: [] }];
        const missing = [...needed, ...neededToWrite].filter((scope) => !scopes.includes(scope));
        const isJudged = scopes.some((scope) => scope.endsWith(':bitbucket'));
        return [
          {
            name,
            actsAs,
            scopes,
            faults:
              !isJudged || missing.length === 0
                ? []
                : [
                    {
                      severity: 'broken',
                      why: `It lacks the scopes ${missing.join(', ')}`,
                      fix: 'Make an API token with these too, and connect again',
                    },
                  ],
          },
        ];
      } catch (error) {
        return [{ name, faults: [faultOf(error)] }];
      }
    },
  };
}

function scopesIn(header: string | undefined): readonly string[] | undefined {
  return header === undefined || header === '' ? undefined : header.split(/[\s,]+/);
}
