import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import type { Signed } from './signed.ts';

const sessionMs = 3_600_000;
const linkMs = 3_600_000;

/** Browsers of people who showed that they run Slipway: by a link that the command line printed, or the API token. */
export class BrowserSession {
  readonly #signed: Signed;
  readonly #apiToken: string;
  readonly #isSecure: boolean;

  constructor(parts: { readonly signed: Signed; readonly apiToken: string; readonly url: string }) {
    this.#signed = parts.signed;
    this.#apiToken = parts.apiToken;
    this.#isSecure = parts.url.startsWith('https:');
  }

  /** What a link carries that signs one browser in, once, within an hour. */
  linkToken(): Promise<string> {
    return this.#signed.make('sign-in', { id: randomUUID(), lifetimeMs: linkMs });
  }

  async signInByLink(context: Context, token: string): Promise<boolean> {
    const claims = await this.#signed.read('sign-in', token);
    if (claims === undefined || !(await this.#signed.takeOnce(claims))) return false;
    await this.#begin(context);
    return true;
  }

  async signInByApiToken(context: Context, token: string): Promise<boolean> {
    if (!timingSafeEqual(digestOf(token), digestOf(this.#apiToken))) return false;
    await this.#begin(context);
    return true;
  }

  /** The session's id; undefined for strangers. */
  async of(context: Context): Promise<string | undefined> {
    const cookie = getCookie(context, this.#cookie());
    return cookie === undefined ? undefined : (await this.#signed.read('session', cookie))?.id;
  }

  async #begin(context: Context): Promise<void> {
    const session = await this.#signed.make('session', { id: randomUUID(), lifetimeMs: sessionMs });
    setCookie(context, this.#cookie(), session, {
      httpOnly: true,
      // Not "Strict": the host sends the browser back here, and that visit has to be known.
      sameSite: 'Lax',
      secure: this.#isSecure,
      path: '/',
      maxAge: sessionMs / 1_000,
    });
  }

  #cookie(): string {
    return this.#isSecure ? '__Host-slipway' : 'slipway';
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
