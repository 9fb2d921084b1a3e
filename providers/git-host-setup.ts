import { z } from 'zod';
import type { GitHost } from './git-host.ts';
import type { WebhookSource } from './git-host-webhook.ts';

/** A Git host that is set up: its settings are read, and its two sides can be made. */
export interface GitHostSetup {
  /** `github`, ...: what triggers and webhook addresses call it. */
  readonly provider: string;
  /** Where repositories are cloned from, as far as it is not a public address: stages are let there by it. */
  readonly url?: string;
  createHost(): Promise<GitHost>;
  /** @throws RangeError without a secret, or with one that anybody knows */
  webhooks(now: () => Date): WebhookSource;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** A kind of Git host, and the environment variables that one is set up by. */
export interface GitHostKind {
  readonly provider: string;
  /** One of these sets it up, and then all of them are needed. */
  readonly needed: readonly string[];
  /** @returns what is wrong, each with its variable, where they cannot be used */
  setUp(variables: Variables): GitHostSetup | { readonly problems: readonly string[] };
}

/** @param settings reads a host's variables, the needed ones and others */
export function gitHostKind<Settings>(
  provider: string,
  needed: readonly string[],
  settings: z.ZodType<Settings>,
  setUp: (settings: Settings) => GitHostSetup,
): GitHostKind {
  return {
    provider,
    needed,
    setUp(variables) {
      const missing = needed.filter((name) => variables[name] === undefined);
      if (missing.length > 0) {
        const given = needed.filter((name) => variables[name] !== undefined);
        return { problems: missing.map((name) => `${name}: ${given.join(' and ')} alone is not enough`) };
      }
      const parsed = settings.safeParse(variables);
      return parsed.success
        ? setUp(parsed.data)
        : { problems: parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) };
    },
  };
}

/** Webhook secrets, apart by spaces: all are accepted, so that one can be rotated. */
export const secretsVariable = z
  .string()
  .min(1)
  .transform((text): readonly string[] => text.split(/\s+/).filter((part) => part !== ''));

export const urlVariable = z.url({ protocol: /^https?$/ });
