import { z } from 'zod';
import type { OAuthHost } from '../oauth.ts';

const User = z.object({ username: z.string().min(1), id: z.number() });

/** An application of GitLab, whose scope reads the own user and nothing else. */
export function oauthHost(address: string): OAuthHost {
  const url = address.replace(/\/+$/, '');
  return {
    name: 'GitLab',
    issuer: url,
    authorizeUrl: `${url}/oauth/authorize`,
    tokenUrl: `${url}/oauth/token`,
    userUrl: `${url}/api/v4/user`,
    scope: 'read_user',
    clientAuthentication: 'post',
    pkce: 'S256',
    personIn(answer) {
      const { username, id } = User.parse(answer);
      return { login: username, id: String(id) };
    },
  };
}
