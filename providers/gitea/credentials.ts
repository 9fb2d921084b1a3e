import { z } from 'zod';
import { type CredentialReport, faultOf, type HostCredentials } from '../git-host-credentials.ts';
import { HostFault } from '../host-fault.ts';
import { type GiteaOptions, type GiteaSession, giteaSession } from './session.ts';

/** What the first token has to be able to do; Gitea's `write` covers `read`. */
const needed = ['write:repository', 'write:issue', 'read:organization', 'read:user'];

/** The two tokens of a bot user. Gitea's tokens do not end. */
export function credentials(options: GiteaOptions): HostCredentials {
  return {
    examine: () =>
      Promise.all([
        examined('GITEA_TOKEN', giteaSession(options), (scopes) => {
          const missing = needed.filter((scope) => !covers(scopes, scope));
          return missing.length === 0
            ? []
            : [
                {
                  severity: 'broken',
                  why: `It lacks the scopes ${missing.join(', ')}`,
                  fix: 'Make a token with these too, and connect again',
                },
              ];
        }),
        examined('GITEA_CLONE_TOKEN', giteaSession({ ...options, token: options.cloneToken }), (scopes) => {
          const more = scopes.filter((scope) => scope !== 'read:repository');
          return more.length === 0
            ? []
            : [
                {
                  severity: 'warning',
                  why: `It may do more than read repositories (${more.join(', ')}), and comes near to code of strangers`,
                  fix: 'Make a token with the scope read:repository alone, and connect again',
                },
              ];
        }),
      ]),
  };
}

async function examined(
  name: string,
  session: GiteaSession,
  faultsOf: (scopes: readonly string[]) => CredentialReport['faults'],
): Promise<CredentialReport> {
  try {
    const scopes = await scopesOf(name, session);
    const who = covers(scopes, 'read:user') ? { actsAs: (await session.self()).login } : {};
    return { name, ...who, scopes, faults: faultsOf(scopes) };
  } catch (error) {
    return { name, faults: [faultOf(error)] };
  }
}

/** Gitea tells a token's scopes in one place alone: in its refusal of what they do not cover. */
function scopesOf(name: string, session: GiteaSession): Promise<readonly string[]> {
  return session.ask(`Asking about ${name}`, async (api) => {
    try {
      await api.ask(z.unknown(), 'GET', ['admin', 'orgs'], { query: { limit: 1 } });
    } catch (error) {
      if (!(error instanceof HostFault) || error.status !== 403) throw error;
      const [, told] = /token scope=([\w:,]+)/.exec(error.message) ?? [];
      if (told !== undefined) return told.split(',');
    }
    // It may do everything.
    return ['all'];
  });
}

function covers(scopes: readonly string[], scope: string): boolean {
  return scopes.includes('all') || scopes.includes(scope) || scopes.includes(scope.replace('read:', 'write:'));
}
