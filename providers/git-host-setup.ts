import { z } from 'zod';
import type { GitHost } from './git-host.ts';
import type { HostApp } from './git-host-app.ts';
import type { HostCredentials } from './git-host-credentials.ts';
import type { HostPlaces } from './git-host-places.ts';
import type { HostSignIn } from './git-host-sign-in.ts';
import type { WebhookSource } from './git-host-webhook.ts';

/** A Git host that is set up: its settings are read, and its two sides can be made. */
export interface GitHostSetup {
  /** `github`, ...: what triggers and webhook addresses call it. */
  readonly provider: string;
  /** Where repositories are cloned from, as far as it is not a public address: stages are let there by it. */
  readonly url?: string;
  /** Where its API answers. */
  readonly apiUrl: string;
  createHost(): Promise<GitHost>;
  credentials(now: () => Date): HostCredentials;
  /** Where webhooks are kept by Slipway; absent on hosts where it is an App, whose one webhook the host keeps. */
  readonly places?: () => HostPlaces;
  /** The App, on hosts that have them. */
  readonly app?: () => HostApp;
  /** Signs people in; absent where Slipway is not registered for that. */
  readonly signIn?: HostSignIn;
  /** @throws RangeError without a secret, or with one that anybody knows */
  webhooks(now: () => Date): WebhookSource;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** A kind of Git host, and the environment variables that one is set up by. */
export interface GitHostKind {
  readonly provider: string;
  /** One of these sets it up, and then all of them are needed. */
  readonly needed: readonly string[];
  /** Id and secret of what signs people in: both or none. */
  readonly signIn: readonly [string, string];
  /** How one is set up by a command, on hosts without Apps. */
  readonly connect?: ConnectVariables;
  /** @returns what is wrong, each with its variable, where they cannot be used */
  setUp(variables: Variables): GitHostSetup | { readonly problems: readonly string[] };
}

/** The variables that a command fills in, as the environment would. */
export interface ConnectVariables {
  /** Where the host is: an address. */
  readonly url: string;
  /** What Slipway proves itself with, and what pods clone with. */
  readonly tokens: readonly [string, string];
  /** What else there may be. */
  readonly others: readonly string[];
  readonly secret: string;
  /** A new value for `secret`. */
  newSecret(): string;
}

/** @param settings reads a host's variables, the needed ones and others */
export function gitHostKind<Settings>(
  provider: string,
  needed: readonly string[],
  signIn: readonly [string, string],
  settings: z.ZodType<Settings>,
  setUp: (settings: Settings) => GitHostSetup,
  connect?: ConnectVariables,
): GitHostKind {
  return {
    provider,
    needed,
    signIn,
    ...(connect === undefined ? {} : { connect: { ...connect, others: [...connect.others, ...signIn] } }),
    setUp(variables) {
      const missing = needed.filter((name) => variables[name] === undefined);
      if (missing.length > 0) {
        const given = needed.filter((name) => variables[name] !== undefined);
        return { problems: missing.map((name) => `${name}: ${given.join(' and ')} alone is not enough`) };
      }
      const [id, secret] = signIn;
      if ((variables[id] === undefined) !== (variables[secret] === undefined))
        return { problems: [`${id} and ${secret}: one of them alone signs nobody in`] };
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
