import {
  AuthorizationResponseError,
  type AuthorizationServer,
  allowInsecureRequests,
  authorizationCodeGrantRequest,
  ClientSecretBasic,
  ClientSecretPost,
  calculatePKCECodeChallenge,
  customFetch,
  nopkce,
  processAuthorizationCodeResponse,
  ResponseBodyError,
  validateAuthResponse,
} from 'oauth4webapi';
import { z } from 'zod';
import type { Person } from '../engine/core/trigger.ts';
import { GitHostError } from './git-host-error.ts';
import type { HostSignIn, SignInWay } from './git-host-sign-in.ts';
import { boundedBytes } from './host-fault.ts';

/** What Slipway is registered as at a host, for signing people in. */
export interface OAuthClient {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A registration of which both parts are given. */
export function clientOf(
  clientId: string | undefined,
  clientSecret: string | undefined,
): { readonly client?: OAuthClient } {
  return clientId === undefined || clientSecret === undefined ? {} : { client: { clientId, clientSecret } };
}

/** A host's side of OAuth. */
export interface OAuthHost {
  readonly name: string;
  /** What it calls itself in its answers (RFC 9207), where it does. */
  readonly issuer: string;
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  /** Who the token's owner is. */
  readonly userUrl: string;
  /** What is asked for: as little as tells who somebody is. Absent where the registration says it. */
  readonly scope?: string;
  readonly clientAuthentication: 'basic' | 'post';
  readonly pkce: 'S256' | 'unknown to it';
  /** Reads the answer of `userUrl`. @throws z.ZodError */
  personIn(answer: unknown): Person;
}

const timeoutMs = 15_000;
const refusal = z.object({ error: z.string() });

/** Signs people in at a host of that kind. */
export function oauthSignIn(host: OAuthHost, { clientId, clientSecret }: OAuthClient): HostSignIn {
  const server: AuthorizationServer = { issuer: host.issuer, token_endpoint: host.tokenUrl };
  const client = { client_id: clientId };
  const authentication = (host.clientAuthentication === 'basic' ? ClientSecretBasic : ClientSecretPost)(clientSecret);

  async function tokenFor(way: SignInWay, answer: URLSearchParams): Promise<string> {
    const checked = validateAuthResponse(server, client, answer, way.state);
    const verifier = host.pkce === 'S256' ? way.verifier : nopkce;
    const response = await authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      checked,
      way.redirectUrl,
      verifier,
      {
        [customFetch]: (url, init) => fetch(url, init).then(whole),
        // Tokens of bots go there too: whoever set the host up by http has decided that.
        [allowInsecureRequests]: host.tokenUrl.startsWith('http:'),
        signal: AbortSignal.timeout(timeoutMs),
      },
    );
    return (await processAuthorizationCodeResponse(server, client, response)).access_token;
  }

  return {
    name: host.name,
    async begin({ state, redirectUrl, verifier }) {
      const url = new URL(host.authorizeUrl);
      const asked = {
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUrl,
        state,
        ...(host.scope === undefined ? {} : { scope: host.scope }),
        ...(host.pkce === 'S256'
          ? { code_challenge: await calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' }
          : {}),
      };
      for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
      return url.href;
    },
    async finish(way, answer) {
      try {
        const response = await fetch(host.userUrl, {
          headers: { authorization: `Bearer ${await tokenFor(way, answer)}`, accept: 'application/json' },
          redirect: 'error',
          signal: AbortSignal.timeout(timeoutMs),
        });
        const text = new TextDecoder().decode(await boundedBytes(response));
        if (!response.ok) throw unavailable(host.name, `It did not say whose account that is (${response.status})`);
        return host.personIn(JSON.parse(text));
      } catch (error) {
        throw errorOf(host.name, error);
      }
    },
  };
}

/** All of it, bounded. GitHub answers 200 to what it refuses. */
async function whole(response: Response): Promise<Response> {
  const bytes = await boundedBytes(response);
  const { headers, status } = response;
  const isRefusal = response.ok && refusal.safeParse(jsonIn(bytes)).success;
  return new Response(bytes, { status: isRefusal ? 400 : status, headers });
}

function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // told by whoever reads the answer for what it should be
  }
}

/** Causes stay out where they hold what was sent: the code, or the secret. */
function errorOf(name: string, error: unknown): GitHostError {
  if (error instanceof GitHostError) return error;
  const what = `Signing in with ${name}`;
  if (error instanceof AuthorizationResponseError)
    return new GitHostError({
      code: 'denied',
      what,
      why: `${name} or you did not let it happen (${wordOf(error.error)})`,
      fix: 'Sign in again, and agree there',
    });
  if (error instanceof ResponseBodyError)
    return new GitHostError({
      code: 'invalid',
      what,
      why: `${name} did not take the answer (${wordOf(error.error)})`,
      fix: `Sign in again. Where that does not help, whoever runs Slipway looks whether the client's id, secret and redirect address are those that ${name} knows`,
    });
  if (error instanceof Error && ['TimeoutError', 'AbortError', 'TypeError'].includes(error.name))
    return unavailable(name, 'It did not answer');
  return unavailable(name, 'It did not answer as it should');
}

function unavailable(name: string, why: string): GitHostError {
  const fix = 'Sign in again in a while';
  return new GitHostError({ code: 'unavailable', what: `Signing in with ${name}`, why, fix });
}

/** An error's name as the standard spells them; whatever else was sent is not shown. */
function wordOf(error: string): string {
  return /^[a-z_]{1,60}$/.test(error) ? error : 'no reason given';
}
