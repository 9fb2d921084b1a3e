import { z } from 'zod';
import { type CredentialFault, type CredentialReport, faultOf, type HostCredentials } from '../git-host-credentials.ts';
import { isAnswer } from '../host-fault.ts';
import { type GitLabOptions, type GitLabSession, gitLabSession } from './session.ts';

const dayMs = 86_400_000;
/** GitLab gives no longer than a year. */
const renewedForMs = 364 * dayMs;

const Token = z.object({
  scopes: z.array(z.string()).optional(),
  expires_at: z.string().nullish(),
  active: z.boolean().optional(),
});
const Renewed = z.object({ token: z.string().min(1) });

/** Scopes by which a token of GitLab may write. */
const writing = ['api', 'write_repository', 'sudo', 'admin_mode'];

/** The two tokens of a bot user. */
export function credentials(options: GitLabOptions, now: () => Date): HostCredentials {
  const sessions = new Map([
    ['GITLAB_TOKEN', gitLabSession(options)],
    ['GITLAB_CLONE_TOKEN', gitLabSession({ ...options, token: options.cloneToken })],
  ]);
  return {
    examine: () =>
      Promise.all([...sessions].map(([name, session]) => (name === 'GITLAB_TOKEN' ? main : clone)(name, session))),
    async renew(names) {
      const changed: [string, string][] = [];
      for (const name of names) {
        const session = sessions.get(name);
        if (session === undefined) continue;
        const expiresAt = new Date(now().getTime() + renewedForMs).toISOString().slice(0, 10);
        const answer = await session.ask(`Renewing ${name}`, (api) =>
          api.PersonalAccessTokens.rotate('self', { expiresAt }),
        );
        changed.push([name, Renewed.parse(answer).token]);
      }
      return Object.fromEntries(changed);
    },
  };
}

async function main(name: string, session: GitLabSession): Promise<CredentialReport> {
  try {
    const { login: actsAs } = await session.self();
    const token = await tokenOf(name, session);
    const { scopes } = token ?? {};
    const faults: CredentialFault[] =
      scopes === undefined || scopes.includes('api')
        ? []
        : [
            {
              severity: 'broken',
              why: `It has the scopes ${scopes.join(', ')}, and not \`api\`: nothing can be written`,
              fix: 'Make a token with the scope `api`, and connect again',
            },
          ];
    return { name, actsAs, ...factsOf(token), faults };
  } catch (error) {
    return { name, faults: [faultOf(error)] };
  }
}

/** One that may do nothing but read repositories is refused here too: that says that it is good. */
async function clone(name: string, session: GitLabSession): Promise<CredentialReport> {
  try {
    const token = await tokenOf(name, session);
    const writes = (token?.scopes ?? []).filter((scope) => writing.includes(scope));
    return {
      name,
      ...factsOf(token),
      faults:
        writes.length === 0
          ? []
          : [
              {
                severity: 'warning',
                why: `It may write (${writes.join(', ')}), and comes near to code of strangers`,
                fix: 'Make a token with the scope `read_repository` alone, role Reporter, and connect again',
              },
            ],
    };
  } catch (error) {
    return { name, faults: [faultOf(error)] };
  }
}

/** Undefined where GitLab does not tell: it is no access token, or lacks the scope to be asked about. */
function tokenOf(name: string, session: GitLabSession): Promise<z.infer<typeof Token> | undefined> {
  return session.ask(`Asking about ${name}`, async (api) => {
    try {
      return Token.parse(await api.PersonalAccessTokens.show());
    } catch (error) {
      if (isAnswer(error, 403) || isAnswer(error, 404)) return undefined;
      throw error;
    }
  });
}

function factsOf(token: z.infer<typeof Token> | undefined): Pick<CredentialReport, 'scopes' | 'expiresAt'> {
  const { scopes, expires_at } = token ?? {};
  return {
    ...(scopes === undefined ? {} : { scopes }),
    // GitLab tells a day: the token ends as it begins, in UTC.
    ...(expires_at == null ? {} : { expiresAt: new Date(`${expires_at.slice(0, 10)}T00:00:00Z`) }),
  };
}
