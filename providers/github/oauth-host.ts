import { z } from 'zod';
import type { OAuthHost } from '../oauth.ts';

const User = z.object({ login: z.string().min(1), id: z.number() });

/** The App's own way to sign people in. It asks for nothing: whom a token belongs to is told to every one. */
export function oauthHost(apiUrl: string | undefined): OAuthHost {
  const web = webUrlOf(apiUrl);
  return {
    name: 'GitHub',
    issuer: `${web}/login/oauth`,
    authorizeUrl: `${web}/login/oauth/authorize`,
    tokenUrl: `${web}/login/oauth/access_token`,
    userUrl: `${(apiUrl ?? 'https://api.github.com').replace(/\/+$/, '')}/user`,
    clientAuthentication: 'post',
    // An Enterprise Server that does not know it yet passes over it.
    pkce: 'S256',
    personIn(answer) {
      const { login, id } = User.parse(answer);
      return { login, id: String(id) };
    },
  };
}

/** Where browsers go. An Enterprise Server has its API below that, GitHub's cloud beside it. */
function webUrlOf(apiUrl: string | undefined): string {
  if (apiUrl === undefined) return 'https://github.com';
  const { origin, protocol, hostname } = new URL(apiUrl);
  const cloud = /^api\.((?:[^.]+\.)?(?:github|ghe)\.com)$/.exec(hostname)?.[1];
  return cloud === undefined ? origin : `${protocol}//${cloud}`;
}
