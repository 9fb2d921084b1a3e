import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { z } from 'zod';
import type { Claims, Signed } from './signed.ts';

const sessionMs = 3_600_000;

/** Who looks at a page. What a person may see is asked at their host, at the time. */
export type Viewer =
  /** Whoever runs Slipway: showed it by a link that the command line printed, or by the API token. */
  | { readonly type: 'operator' }
  /** Somebody whom a Git host knows by that login, as it vouched for. */
  | {
      readonly type: 'person';
      readonly provider: string;
      /** Where that provider's API was then: another host that takes its place knows other people by the same logins. */
      readonly host: string;
      readonly login: string;
    };

const viewerFacts = z.object({
  viewer: z.discriminatedUnion('type', [
    z.object({ type: z.literal('operator') }),
    z.object({
      type: z.literal('person'),
      provider: z.string().min(1),
      host: z.string(),
      login: z.string().min(1),
    }),
  ]),
});

/** Browsers that signed in. */
export class BrowserSession {
  readonly #signed: Signed;
  readonly #apiToken: string;
  readonly #url: () => string;

  /** @param parts.url where browsers reach Slipway */
  constructor(parts: { readonly signed: Signed; readonly apiToken: string; readonly url: () => string }) {
    this.#signed = parts.signed;
    this.#apiToken = parts.apiToken;
    this.#url = parts.url;
  }

  /** What a link carries that signs one browser in, once. @param to the page that it opens then */
  linkToken(viewer: Viewer, facts: { readonly lifetimeMs: number; readonly to?: string }): Promise<string> {
    return this.#signed.make('sign-in', { id: randomUUID(), viewer, ...facts });
  }

  /** @returns what the link says beyond who it is; undefined where it signs nobody in */
  async signInByLink(context: Context, token: string): Promise<Claims['facts'] | undefined> {
    const claims = await this.#signed.read('sign-in', token);
    const viewer = viewerOf(claims);
    if (claims === undefined || viewer === undefined || !(await this.#signed.takeOnce(claims))) return undefined;
    await this.begin(context, viewer);
    return claims.facts;
  }

  async signInByApiToken(context: Context, token: string): Promise<boolean> {
    if (!timingSafeEqual(digestOf(token), digestOf(this.#apiToken))) return false;
    await this.begin(context, { type: 'operator' });
    return true;
  }

  /** The session's id where it is an operator's: what is set up here is nobody else's matter. */
  async operator(context: Context): Promise<string | undefined> {
    const claims = await this.#claims(context);
    return viewerOf(claims)?.type === 'operator' ? claims?.id : undefined;
  }

  /** Who looks; undefined for strangers. */
  async viewer(context: Context): Promise<Viewer | undefined> {
    return viewerOf(await this.#claims(context));
  }

  async #claims(context: Context): Promise<Claims | undefined> {
    const cookie = getCookie(context, this.cookieName());
    return cookie === undefined ? undefined : this.#signed.read('session', cookie);
  }

  /** Always a new one: what the browser brought stays nobody's. */
  async begin(context: Context, viewer: Viewer): Promise<void> {
    const session = await this.#signed.make('session', { id: randomUUID(), lifetimeMs: sessionMs, viewer });
    setCookie(context, this.cookieName(), session, {
      httpOnly: true,
      // Not "Strict": the host sends the browser back here, and that visit has to be known.
      sameSite: 'Lax',
      secure: this.#url().startsWith('https:'),
      path: '/',
      maxAge: sessionMs / 1_000,
    });
  }

  /** Cookies are shared between the ports of a host, so on this machine each Slipway names its own. */
  cookieName(): string {
    const url = URL.parse(this.#url());
    // One that stands by does not know yet.
    if (url === null) return 'slipway';
    const { protocol, port } = url;
    return protocol === 'https:' ? '__Host-slipway' : `slipway_${port}`;
  }
}

function viewerOf(claims: Claims | undefined): Viewer | undefined {
  const facts = viewerFacts.safeParse(claims?.facts);
  return facts.success ? facts.data.viewer : undefined;
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
