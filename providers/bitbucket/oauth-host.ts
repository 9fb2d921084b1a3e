import type { OAuthHost } from '../oauth.ts';
import { Account, personOf } from './schema.ts';

/** An OAuth consumer of a workspace; what it may do is ticked there. */
export function oauthHost({ url, apiUrl }: { readonly url: string; readonly apiUrl: string }): OAuthHost {
  return {
    name: 'Bitbucket',
    issuer: url,
    authorizeUrl: `${url}/site/oauth2/authorize`,
    tokenUrl: `${url}/site/oauth2/access_token`,
    userUrl: `${apiUrl}/user`,
    clientAuthentication: 'basic',
    pkce: 'unknown to it',
    personIn: (answer) => personOf(Account.parse(answer)),
  };
}
