import { join } from 'node:path';
import type { Account, Repository } from './entities.ts';
import type { Face } from './face.ts';
import { BareRepository } from './git/bare-repository.ts';
import type { KeyedLock } from './keyed-lock.ts';
import type { Store } from './store.ts';

/** As much of a logger as this part needs; pino's fits. */
export interface HostLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** Who does something: a person, or an App through its bot. */
export interface Actor {
  readonly account: Account;
  readonly appId: number | null;
}

/** Pages of an App that knows people by this host's word. */
export interface DetailsPlace {
  /** Whether its people are known there. */
  holds(url: string): boolean;
  /** The address under which this person's browser opens one; the same address where nobody is known. */
  open(login: string, url: string): Promise<string>;
}

/** What the parts of the host share. */
export interface Host {
  readonly store: Store;
  readonly repositoriesFolder: string;
  /** Private keys of Apps. */
  readonly keysFolder: string;
  /** `http://127.0.0.1:<port>`, without a slash at its end. */
  readonly url: string;
  /** Which Git host it behaves like. */
  readonly face: Face;
  /** What a GitLab may lack: group webhooks below Premium, signing tokens before 19.0. */
  readonly gitLab: { readonly groupHooks: boolean; readonly signingTokens: boolean };
  readonly now: () => Date;
  readonly log: HostLog;
  /** One writer at a time for each repository's refs. */
  readonly refLock: KeyedLock;
  /** New deliveries are in the outbox: send them. */
  readonly wakeOutbox: () => void;
  /** Signs people in where checks' details are, so that their browsers need not do it again. */
  readonly details: DetailsPlace;
}

/** As GitHub prints times: to the second. */
export function timestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

export function gitOf(host: Host, repositoryId: number): BareRepository {
  return new BareRepository(join(host.repositoriesFolder, `${repositoryId}.git`));
}

export function ownerOf(host: Host, repository: Repository): Account {
  return host.store.accounts.get(repository.ownerId);
}

export function fullNameOf(host: Host, repository: Repository): string {
  return `${ownerOf(host, repository).login}/${repository.name}`;
}

export function apiUrl(host: Host, path: string): string {
  return `${host.url}/api/v3${path}`;
}

export function findRepository(host: Host, owner: string, name: string): Repository | undefined {
  const account = host.store.accounts.findByKey(owner.toLowerCase());
  if (account === undefined) return undefined;
  return host.store.repositories.findByKey(`${account.id}/${name.toLowerCase()}`);
}
