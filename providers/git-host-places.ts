import type { RepositoryRef } from '../engine/core/trigger.ts';

/** What somebody connects: a group, workspace or organisation with all that is in it, or one repository alone. */
export interface Place {
  readonly type: 'owner' | 'repository';
  /** As people write it: `acme`, `acme/platform`, `acme/web`. */
  readonly path: string;
  /** The host's own id of it. */
  readonly id: string;
}

/** A webhook as the host shows it: its secret, it never does. */
export interface PlaceHook {
  readonly id: string;
  readonly url: string;
  /** What is not as Slipway needs it, in words that follow "it": "is switched off". None: all is well. */
  readonly faults: readonly string[];
}

/** How the host's newest attempt to deliver by a webhook ended. */
export interface HookDelivery {
  /** Where the host tells. */
  readonly at?: Date;
  /** The HTTP status that it got; absent where nobody answered. */
  readonly status?: number;
}

/** Hosts without Apps: webhooks stand on groups and repositories there, and Slipway keeps them itself. */
export interface HostPlaces {
  /** What an owner with its repositories is called there, for words to people: `group`, `workspace`, `organisation`. */
  readonly ownerWord: string;
  /** Names the secret that new webhooks get, so that one with an older secret is known; tells nothing about it. */
  readonly secretId: string;
  /** @returns undefined where there is none, or none that the token's user sees */
  find(path: string): Promise<Place | undefined>;
  /** Repositories of an owner, archived ones left out; of a repository, itself. `isComplete` false: there are more. */
  repositories(
    place: Place,
  ): Promise<{ readonly repositories: readonly RepositoryRef[]; readonly isComplete: boolean }>;
  /**
   * Webhooks that stand on the place itself.
   * @returns undefined where it cannot have any: the host has none of that kind, or the token's user may not see them
   */
  hooks(place: Place): Promise<readonly PlaceHook[] | undefined>;
  /** Makes a webhook, or the known one as it should be: address, events, secret, switched on. @returns its id */
  saveHook(place: Place, url: string, known: string | undefined): Promise<string>;
  /** One that is gone already is no fault. */
  removeHook(place: Place, id: string): Promise<void>;
  /** Undefined where nothing was sent yet, or the host keeps no log that can be asked for. */
  lastDelivery(place: Place, id: string): Promise<HookDelivery | undefined>;
}
