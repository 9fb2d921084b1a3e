import type { OAuthHost } from '../oauth.ts';
import { Account, personOf } from './schema.ts';

/** An OAuth2 application of Gitea, whose scope reads the own user and nothing else. */
export function oauthHost(address: string): OAuthHost {
  const url = address.replace(/\/+$/, '');
  return {
    name: 'Gitea',
    issuer: url,
    authorizeUrl: `${url}/login/oauth/authorize`,
    tokenUrl: `${url}/login/oauth/access_token`,
    userUrl: `${url}/api/v1/user`,
    scope: 'read:user',
    clientAuthentication: 'post',
    pkce: 'S256',
    personIn: (answer) => personOf(Account.parse(answer)),
  };
}
