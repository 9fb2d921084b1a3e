import type { InstallationEvent, RepositoryRef } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import { EngineError } from '../../engine/ports/errors.ts';
import { GitHostError } from '../../providers/git-host-error.ts';
import type { HostPlaces } from '../../providers/git-host-places.ts';
import type { GitHostSetup, Variables } from '../../providers/git-host-setup.ts';
import { isSafeUrl } from '../config.ts';
import { connectVariables, gitHostFromSettings } from '../git-hosts.ts';
import type { Connection, Connections } from './connections.ts';
import type { GitHostsInUse } from './git-hosts-in-use.ts';
import type { Installations } from './installations.ts';
import { KeepWebhooks, type WebhookStep } from './keep-webhooks.ts';
import type { StoredGitHosts } from './stored-git-hosts.ts';

/** What whoever asked is told while it is done. */
export type ConnectNews = { readonly note: string } | WebhookStep;

export interface ConnectRequest {
  readonly provider: string;
  /** As people write it: `acme`, `acme/web`. */
  readonly path: string;
  /** Address and tokens, as environment variables would give them; those that are known already may be left out. */
  readonly settings: Variables;
  readonly makesLabels: boolean;
  readonly isDryRun: boolean;
}

/** Connects groups, workspaces and organisations of hosts without Apps, and keeps what is in them connected. */
export class Connect {
  readonly #connections: Connections;
  readonly #inUse: GitHostsInUse;
  readonly #stored: StoredGitHosts;
  readonly #installations: Installations;
  readonly #follow: (event: InstallationEvent) => Promise<unknown>;
  readonly #labels: (repository: RepositoryRef) => Promise<void>;
  readonly #url: () => string;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  /** One at a time: two that look at the same webhooks would make them twice. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: {
    readonly connections: Connections;
    readonly gitHosts: { readonly inUse: GitHostsInUse; readonly stored: StoredGitHosts };
    readonly installations: Installations;
    /** Takes in that a tenant came or went. */
    readonly follow: (event: InstallationEvent) => Promise<unknown>;
    /** Makes the labels that Slipway listens to. */
    readonly labels: (repository: RepositoryRef) => Promise<void>;
    /** Where hosts reach Slipway, without a slash at its end. */
    readonly url: () => string;
    readonly clock: Clock;
    readonly onError: (error: unknown) => void;
  }) {
    this.#connections = parts.connections;
    this.#inUse = parts.gitHosts.inUse;
    this.#stored = parts.gitHosts.stored;
    this.#installations = parts.installations;
    this.#follow = parts.follow;
    this.#labels = parts.labels;
    this.#url = parts.url;
    this.#clock = parts.clock;
    this.#onError = parts.onError;
  }

  /** @throws EngineError, GitHostError: nothing was stored where the first of it throws, all that was told where a later one does */
  async *connect(request: ConnectRequest): AsyncGenerator<ConnectNews> {
    const { provider, path, isDryRun, makesLabels } = request;
    const { setup, settings, note } = await this.#setUp(request);
    const places = placesOf(setup);
    this.#requireReachable(setup);
    await this.#requireGood(setup);
    const place = await places.find(path);
    if (place === undefined) throw notFound(provider, path, places);
    await this.#requireApart(provider, place.path);
    if (note !== undefined) yield { note };
    const facts = { provider, place, makesLabels };
    if (isDryRun) {
      yield* this.#keep({ ...facts, connectedAt: this.#clock.now() }, setup, 'dry-run');
      return;
    }
    if (settings !== undefined) {
      await this.#stored.save({ provider, url: setup.url ?? '', settings, by: 'slipway connect' });
      await this.#inUse.refresh();
    }
    const connection = await this.#connections.save(facts);
    const came = { type: 'installed', repositories: place.type === 'owner' ? 'all' : 'selected' } as const;
    await this.#follow(eventOf(connection, came));
    try {
      yield* this.#keep(connection, setup, 'all');
    } catch (error) {
      throw error instanceof GitHostError && error.isTransient ? laterOn(error) : error;
    }
  }

  /** Takes the webhooks away; with the last place of a host its stored settings too. */
  async *disconnect(provider: string, path: string, mode: 'apply' | 'dry-run'): AsyncGenerator<ConnectNews> {
    const connection = await this.#connections.find(provider, path);
    const setup = this.#inUse.setup(provider);
    if (connection === undefined || setup === undefined) {
      const all = (await this.#connections.all()).map((each) => `${each.provider} ${each.place.path}`);
      throw new EngineError({
        code: 'not-found',
        what: `Disconnecting ${provider} ${path}`,
        why: 'It is not connected',
        fix: all.length === 0 ? 'No place is; `slipway connect` connects one' : `Connected are: ${all.join(', ')}`,
      });
    }
    yield* this.#keeper(connection, setup, mode === 'dry-run' ? 'dry-run' : 'all').remove(connection);
    if (mode === 'dry-run') return;
    await this.#connections.remove(connection);
    const left = (await this.#connections.all()).filter((each) => each.provider === provider);
    if (left.every((each) => tenantOf(each) !== tenantOf(connection)))
      await this.#follow(eventOf(connection, { type: 'removed' }));
    if (left.length > 0 || this.#inUse.from(provider) !== 'stored') return;
    await this.#stored.remove(provider);
    await this.#inUse.refresh();
    yield { note: `The tokens of ${provider} are forgotten; revoke them there` };
  }

  /** New repositories get their webhook, and what was changed by hand is put right. One that fails holds up no other. */
  async sweep(): Promise<void> {
    for (const connection of await this.#connections.all()) {
      const setup = this.#inUse.setup(connection.provider);
      if (setup?.places === undefined) continue;
      try {
        for await (const step of this.#keep(connection, setup, 'due'))
          if (step.did === 'refused') this.#onError(refused(connection, step));
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  async *#keep(
    connection: Connection,
    setup: GitHostSetup,
    mode: 'all' | 'due' | 'dry-run',
  ): AsyncGenerator<WebhookStep> {
    const before = this.#turn;
    let done: () => void = () => undefined;
    this.#turn = new Promise<void>((resolve) => {
      done = resolve;
    });
    try {
      await before;
      yield* this.#keeper(connection, setup, mode).keep(connection);
    } finally {
      done();
    }
  }

  #keeper(connection: Connection, setup: GitHostSetup, mode: 'all' | 'due' | 'dry-run'): KeepWebhooks {
    return new KeepWebhooks({
      places: placesOf(setup),
      connections: this.#connections,
      url: `${this.#url()}/webhooks/${setup.provider}`,
      mode,
      now: () => this.#clock.now(),
      onRepository: async (repository) => {
        if (mode === 'dry-run') return;
        const isNew = await this.#installations.saw(repository);
        if (connection.makesLabels && (isNew || mode === 'all')) await this.#labels(repository);
      },
    });
  }

  /** `settings`: to be stored; absent where the environment sets the host up, or nothing new is known. */
  async #setUp({ provider, settings: given }: ConnectRequest): Promise<{
    readonly setup: GitHostSetup;
    readonly settings?: Variables;
    readonly note?: string;
  }> {
    const variables = connectVariables(provider);
    const inUse = this.#inUse.setup(provider);
    if (inUse !== undefined && this.#inUse.from(provider) === 'environment')
      return { setup: inUse, note: `The environment of Slipway sets ${provider} up: its tokens and secret are used` };
    const names = [variables.url, ...variables.tokens, ...variables.others];
    const news = Object.fromEntries(
      names.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]] as const])),
    );
    const before = await (await this.#stored.find(provider))?.settings();
    const settings: Variables = { [variables.secret]: variables.newSecret(), ...before, ...news };
    const missing = variables.tokens.filter((name) => settings[name] === undefined);
    if (missing.length > 0) throw withoutTokens(provider, missing);
    const setup = gitHostFromSettings(provider, settings, {
      what: `Connecting ${provider}`,
      fix: `Give the right ones, as variables of the environment or as \`slipway help connect\` says`,
    });
    const isNew = before === undefined || names.some((name) => settings[name] !== before[name]);
    return isNew ? { setup, settings } : { setup };
  }

  /** @throws EngineError with the first of what is broken */
  async #requireGood(setup: GitHostSetup): Promise<void> {
    const reports = await setup.credentials(() => this.#clock.now()).examine();
    for (const { name, faults } of reports)
      for (const { severity, why, fix } of faults)
        if (severity === 'broken') throw new EngineError({ code: 'denied', what: `Trying out ${name}`, why, fix });
  }

  /** @throws EngineError where the host could not send anything here */
  #requireReachable({ url, apiUrl }: GitHostSetup): void {
    const own = this.#url();
    const isHere = (text: string) => isSafeUrl(text) && new URL(text).protocol === 'http:';
    if (!isHere(own) || isHere(url ?? apiUrl)) return;
    throw new EngineError({
      code: 'invalid',
      what: 'Setting up webhooks',
      why: `The host has to reach Slipway, and ${own} is this machine alone`,
      fix: 'Set SLIPWAY_PUBLIC_URL to its public address, and start Slipway again',
    });
  }

  /** A place within another one would have two that keep the same webhook. @throws EngineError `conflict` */
  async #requireApart(provider: string, path: string): Promise<void> {
    const isIn = (inner: string, outer: string) => inner.toLowerCase().startsWith(`${outer.toLowerCase()}/`);
    for (const { provider: other, place } of await this.#connections.all()) {
      if (other !== provider || !(isIn(place.path, path) || isIn(path, place.path))) continue;
      throw new EngineError({
        code: 'conflict',
        what: `Connecting ${provider} ${path}`,
        why: isIn(path, place.path)
          ? `${place.path} is connected, and all that is in it`
          : `${place.path}, which is in it, is connected by itself`,
        fix: isIn(path, place.path)
          ? 'Nothing has to be done'
          : `\`slipway disconnect ${provider} ${place.path}\` first`,
      });
    }
  }
}

function placesOf(setup: GitHostSetup): HostPlaces {
  if (setup.places === undefined) throw new TypeError(`${setup.provider} is an App, and keeps its one webhook itself`);
  return setup.places();
}

/** What owns the place here: the top of its path. */
function tenantOf({ provider, place }: Connection): string {
  return `${provider}:${place.path.split('/')[0]}`;
}

function eventOf(connection: Connection, change: InstallationEvent['change']): InstallationEvent {
  const account = connection.place.path.split('/')[0] ?? '';
  const by = { login: 'operator', id: 'operator' };
  return { type: 'installation', provider: connection.provider, tenant: tenantOf(connection), by, account, change };
}

function withoutTokens(provider: string, missing: readonly string[]): EngineError {
  return new EngineError({
    code: 'invalid',
    what: `Connecting ${provider}`,
    why: `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not given`,
    fix: 'Set them in the environment of the command, or give them line by line on standard input with --token-stdin',
  });
}

function notFound(provider: string, path: string, { ownerWord }: HostPlaces): EngineError {
  return new EngineError({
    code: 'not-found',
    what: `Connecting ${provider} ${path}`,
    why: `There is no ${ownerWord} or repository of that name, or the token's user does not see it`,
    fix: `Correct the name, or add the token's user to it`,
  });
}

function laterOn(error: GitHostError): EngineError {
  return new EngineError({
    code: 'unavailable',
    what: error.what,
    why: error.why,
    fix: 'It is connected, and what is left to do is done by itself once the host answers; `slipway doctor` tells',
    cause: error,
  });
}

function refused({ provider }: Connection, { path, because }: WebhookStep): EngineError {
  return new EngineError({
    code: 'denied',
    what: `Keeping the webhook of ${provider} ${path}`,
    why: `It ${because.join(', ')}`,
    fix: 'See `slipway doctor`',
  });
}
