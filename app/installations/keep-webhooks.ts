import type { RepositoryRef } from '../../engine/core/trigger.ts';
import { GitHostError } from '../../providers/git-host-error.ts';
import type { HostPlaces, Place, PlaceHook } from '../../providers/git-host-places.ts';
import type { Connection, Connections, KeptWebhook } from './connections.ts';
import { patiently } from './patience.ts';

/** Something that was done, or in a dry run would be. */
export interface WebhookStep {
  readonly path: string;
  readonly did: 'made' | 'repaired' | 'removed' | 'nothing' | 'refused';
  /** What was wrong before, or why nothing could be done; they follow "it". */
  readonly because: readonly string[];
}

/** A webhook that was well is looked at again after this long; new repositories are found much sooner. */
const checkAgainMs = 24 * 3_600_000;

/**
 * Brings the webhooks of a connected place to where they should be: one on the group itself where the host has that and
 * the token may, else one on each repository. What is right stays as it is; safe to repeat, and to end anywhere.
 */
export class KeepWebhooks {
  readonly #places: HostPlaces;
  readonly #connections: Connections;
  readonly #url: string;
  readonly #mode: 'all' | 'due' | 'dry-run';
  readonly #now: () => Date;
  readonly #onRepository: (repository: RepositoryRef) => Promise<void>;

  constructor(parts: {
    readonly places: HostPlaces;
    readonly connections: Connections;
    /** Where deliveries go. */
    readonly url: string;
    /** `due`: those that were looked at a while ago, or never. */
    readonly mode: 'all' | 'due' | 'dry-run';
    readonly now: () => Date;
    /** Each repository that is in the place. */
    readonly onRepository: (repository: RepositoryRef) => Promise<void>;
  }) {
    this.#places = parts.places;
    this.#connections = parts.connections;
    this.#url = parts.url;
    this.#mode = parts.mode;
    this.#now = parts.now;
    this.#onRepository = parts.onRepository;
  }

  async *keep(connection: Connection): AsyncGenerator<WebhookStep> {
    const { place } = connection;
    const known = new Map((await this.#connections.webhooksOf(connection)).map((each) => [keyOf(each.place), each]));
    const { repositories, isComplete } = await patiently(() => this.#places.repositories(place));
    for (const repository of repositories) await this.#onRepository(repository);
    // Once repositories had to have their own, the command alone tries again: a host may let us look, and not write.
    const isTried = this.#mode === 'all' || known.size === 0 || known.has(keyOf(place));
    const own =
      place.type === 'owner' && isTried ? await this.#onOwner(connection, known.get(keyOf(place))) : undefined;
    if (own !== undefined) yield own;
    const places = own === undefined ? repositories.map(placeOf) : [];
    for (const each of places) {
      const step = await this.#one(connection, each, known.get(keyOf(each)));
      if (step !== undefined) yield step;
    }
    // What an earlier time made where none is needed any more, or where Slipway may not look any more.
    const needed = new Set((own === undefined ? places : [place]).map(keyOf));
    if (!isComplete) return;
    for (const webhook of known.values())
      if (!needed.has(keyOf(webhook.place))) yield* this.#drop(connection, webhook, 'is not needed any more');
  }

  /** Takes away all that were made for the place. */
  async *remove(connection: Connection): AsyncGenerator<WebhookStep> {
    for (const webhook of await this.#connections.webhooksOf(connection)) yield* this.#drop(connection, webhook);
  }

  /** Undefined: nothing can stand on the group itself, and nothing has to be said about it. */
  async #onOwner(connection: Connection, known: KeptWebhook | undefined): Promise<WebhookStep | undefined> {
    const step = await this.#one(connection, connection.place, known);
    if (step === undefined) return { path: connection.place.path, did: 'nothing', because: [] };
    return step.did === 'refused' ? undefined : step;
  }

  /** Undefined where it was looked at lately. */
  async #one(connection: Connection, place: Place, known: KeptWebhook | undefined): Promise<WebhookStep | undefined> {
    if (this.#mode === 'due' && known !== undefined && this.#isFresh(known)) return undefined;
    try {
      return await this.#look(connection, place, known);
    } catch (error) {
      // Another repository may fare better; a host that does not answer, or is tired of us, will not.
      if (!(error instanceof GitHostError) || error.isTransient) throw error;
      return { path: place.path, did: 'refused', because: [`could not be set up: ${error.why}. ${error.fix}`] };
    }
  }

  async #look(connection: Connection, place: Place, known: KeptWebhook | undefined): Promise<WebhookStep> {
    const hooks = await patiently(() => this.#places.hooks(place));
    if (hooks === undefined) {
      await this.#forget(connection, place);
      return { path: place.path, did: 'refused', because: ['may not be looked at: the token lacks the right to'] };
    }
    const ours = hooks.filter(({ id, url }) => url === this.#url || id === known?.hookId);
    const [kept, ...others] = [...ours].sort(
      (one, other) => Number(other.id === known?.hookId) - Number(one.id === known?.hookId),
    );
    const faults = kept === undefined ? [] : this.#faultsOf(kept, known);
    const hasToBeSaved = kept === undefined || faults.length > 0;
    if (this.#mode !== 'dry-run') {
      const id = hasToBeSaved ? await patiently(() => this.#places.saveHook(place, this.#url, kept?.id)) : kept.id;
      for (const other of others) await patiently(() => this.#places.removeHook(place, other.id));
      const { secretId } = this.#places;
      await this.#connections.saveWebhook(connection, { place, hookId: id, url: this.#url, secretId });
    }
    const because = [...faults, ...(others.length === 0 ? [] : ['stood there more than once'])];
    if (kept === undefined) return { path: place.path, did: 'made', because: [] };
    return { path: place.path, did: because.length === 0 ? 'nothing' : 'repaired', because };
  }

  #faultsOf(hook: PlaceHook, known: KeptWebhook | undefined): readonly string[] {
    const isKnown = known?.hookId === hook.id;
    return [
      ...hook.faults,
      ...(hook.url === this.#url ? [] : [`pointed to ${hook.url}`]),
      ...(isKnown && known.secretId === this.#places.secretId
        ? []
        : [isKnown ? 'had an older secret' : 'was made by somebody else, with a secret that nobody tells']),
    ];
  }

  #isFresh({ url, secretId, checkedAt }: KeptWebhook): boolean {
    const isSame = url === this.#url && secretId === this.#places.secretId;
    return isSame && this.#now().getTime() - checkedAt.getTime() < checkAgainMs;
  }

  async *#drop(connection: Connection, webhook: KeptWebhook, because?: string): AsyncGenerator<WebhookStep> {
    const { place, hookId } = webhook;
    const facts = { path: place.path, because: because === undefined ? [] : [because] };
    if (this.#mode !== 'dry-run') {
      const refusal = await this.#removed(place, hookId);
      await this.#forget(connection, place);
      if (refusal !== undefined) return yield { ...facts, did: 'refused', because: [refusal] };
    }
    yield { ...facts, did: 'removed' };
  }

  /** @returns why it stands there still */
  async #removed(place: Place, hookId: string): Promise<string | undefined> {
    try {
      await patiently(() => this.#places.removeHook(place, hookId));
      return undefined;
    } catch (error) {
      if (!(error instanceof GitHostError) || error.isTransient) throw error;
      return `could not be removed: ${error.why}. ${error.fix}`;
    }
  }

  async #forget(connection: Connection, place: Place): Promise<void> {
    if (this.#mode !== 'dry-run') await this.#connections.forgetWebhook(connection, place);
  }
}

function placeOf({ id, owner, name }: RepositoryRef): Place {
  return { type: 'repository', path: `${owner}/${name}`, id };
}

function keyOf({ type, id }: Place): string {
  return `${type}/${id}`;
}
