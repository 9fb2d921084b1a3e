import { createHash } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../../engine/ports/clock.ts';
import { type Database, isDuplicateKey } from '../../engine/ports/database.ts';

/** What a signed text says. */
export interface Claims {
  readonly id: string;
  readonly subject: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly expiresAt: Date;
}

interface UsedDocument {
  readonly _id: string;
  readonly expiresAt: Date;
}

/** Texts that only Slipway can have made, each for one purpose and time: sessions, links, states. No replica has to remember them. */
export class Signed {
  readonly #key: Uint8Array;
  readonly #used;
  readonly #clock: Clock;

  /** @param parts.secret the same on all replicas, and long: the API token */
  constructor(parts: { readonly secret: string; readonly database: Database; readonly clock: Clock }) {
    // Apart from the token itself, so that what is signed helps nobody guess it.
    this.#key = createHash('sha256').update(`slipway pages\n${parts.secret}`).digest();
    this.#used = parts.database.collection<UsedDocument>('used-once');
    this.#clock = parts.clock;
  }

  /** @param purpose nothing signed for one is taken for another */
  make(
    purpose: string,
    facts: { readonly id: string; readonly subject?: string; readonly lifetimeMs: number } & Readonly<
      Record<string, unknown>
    >,
  ): Promise<string> {
    const { id, subject = '', lifetimeMs, ...rest } = facts;
    const now = this.#clock.now();
    return new SignJWT(rest)
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience(purpose)
      .setJti(id)
      .setSubject(subject)
      .setIssuedAt(now)
      .setExpirationTime(new Date(now.getTime() + lifetimeMs))
      .sign(this.#key);
  }

  /** @returns undefined for what is forged, for another purpose, or too old */
  async read(purpose: string, text: string): Promise<Claims | undefined> {
    if (text.length > 4_096) return undefined;
    try {
      const { payload } = await jwtVerify(text, this.#key, {
        algorithms: ['HS256'],
        audience: purpose,
        currentDate: this.#clock.now(),
        requiredClaims: ['jti', 'exp'],
      });
      const { jti = '', sub = '', exp = 0, ...facts } = payload;
      return { id: jti, subject: sub, facts, expiresAt: new Date(exp * 1000) };
    } catch {
      return undefined; // whoever sent it hears that it is not valid, and no more
    }
  }

  /** True for one asker alone, over all replicas and restarts. */
  async takeOnce({ id, expiresAt }: Claims): Promise<boolean> {
    await this.#used.deleteMany({ expiresAt: { $lt: this.#clock.now() } });
    try {
      await this.#used.insertOne({ _id: id, expiresAt });
      return true;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }
}
