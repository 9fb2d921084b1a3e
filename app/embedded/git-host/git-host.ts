import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { ifThere } from '../../../engine/system-error.ts';
import { issueToken } from './access/secrets.ts';
import { createRepository, ensureAccount, setGrant } from './domain/accounts.ts';
import { changeInstallation, installApp, registerApp } from './domain/apps.ts';
import { registerOAuthApp } from './domain/oauth-apps.ts';
import { announceLeftOver } from './domain/refs.ts';
import type { Account, Permissions, Repository, Role } from './entities.ts';
import type { FaceName } from './face.ts';
import { faces } from './faces.ts';
import { Faults } from './faults.ts';
import { findRepository, type Host, type HostLog } from './host.ts';
import { KeyedLock } from './keyed-lock.ts';
import { loadAssets } from './pages/assets.ts';
import { RateLimiter } from './rate-limit.ts';
import { RequestCounter } from './request-counter.ts';
import { SecondaryLimits } from './secondary-limits.ts';
import { answerWith, close, hostApplication, listen, portOf } from './server.ts';
import { Store } from './store.ts';
import { Outbox } from './webhooks/outbox.ts';

const signInLifetimeMs = 60 * 60 * 1000;

export interface EmbeddedGitHostOptions {
  /** State lives here: SQLite, bare repositories, keys. Made when missing; for its owner's eyes alone. */
  readonly dataDir: string;
  /** 0 takes any free port; left out, the one of last time where it is free. */
  readonly port?: number;
  /** Under which others reach this machine; left out, nobody but this machine does. */
  readonly address?: string;
  readonly log: HostLog;
  /** Which host it behaves like: API, webhooks and pages. GitHub when left out. */
  readonly face?: FaceName;
  /** As GitLab: what its edition and age bring. No group webhooks, and signing tokens, when left out. */
  readonly gitLab?: { readonly groupHooks?: boolean; readonly signingTokens?: boolean };
  readonly now?: () => Date;
  /** GitHub's primary limit for each token's owner; high enough by default that nobody meets it by accident. */
  readonly requestsPerHour?: number;
  /** Refuses Apps and bots that ask for too much in a short time, as the hosts do. */
  readonly secondaryLimits?: 'enforced';
}

export interface RegisteredApp {
  readonly appId: number;
  readonly clientId: string;
  /** PEM */
  readonly privateKey: string;
  readonly slug: string;
  readonly botLogin: string;
}

/** A running Git host. What makes things is safe to repeat, also over restarts. */
export interface EmbeddedGitHost {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Where the face's API is: for Octokit's `baseUrl`, and what the others call theirs. */
  readonly apiUrl: string;
  readonly faults: Faults;
  /** Requests to the API, for "requests to the Git host per run". */
  readonly requests: RequestCounter;
  /** How often a client was refused for asking too much in a short time. */
  refusals(): number;
  createUser(login: string): { readonly id: number; readonly login: string };
  /** An access token for git and the API, shown once. @throws RangeError for an unknown login */
  createToken(login: string, options?: { readonly scopes?: readonly string[]; readonly lifetimeMs?: number }): string;
  createOrganization(login: string, options?: { readonly admins?: readonly string[] }): { readonly id: number };
  /** A team of an organisation, with exactly these members. */
  setTeam(organization: string, slug: string, members: readonly string[]): void;
  createRepository(
    owner: string,
    name: string,
    options?: { readonly private?: boolean; readonly description?: string },
  ): Promise<{ readonly id: number; readonly fullName: string; readonly cloneUrl: string; readonly pageUrl: string }>;
  addCollaborator(owner: string, name: string, login: string, role: Role): void;
  /** GitHub's merge queue: from now on the branch is merged into by it alone. */
  queueMerges(owner: string, name: string, branch: string): void;
  /** Names of checks that must pass before a merge into the branch. */
  requireChecks(owner: string, name: string, branch: string, checks: readonly string[]): void;
  registerApp(facts: {
    readonly name?: string;
    readonly owner: string;
    readonly webhookUrl: string;
    readonly webhookSecret: string;
    readonly events: readonly string[];
    readonly permissions: Permissions;
  }): Promise<RegisteredApp>;
  /** What another site signs people in by, and where they may be sent back to. GitHub's App is one under its own client id. */
  registerOAuthApp(facts: {
    readonly clientId?: string;
    readonly name: string;
    readonly redirectUrls: readonly string[];
  }): { readonly clientId: string; readonly clientSecret: string };
  /** @returns the installation's id */
  installApp(slug: string, account: string): number;
  /** What the account's owner does with an installation. */
  changeInstallation(slug: string, account: string, change: 'suspend' | 'unsuspend' | 'delete'): void;
  /** Where the App's webhooks go from now on. */
  setWebhookUrl(slug: string, url: string): void;
  addRepositoryHook(
    owner: string,
    name: string,
    hook: { readonly url: string; readonly secret: string; readonly events: readonly string[] },
  ): number;
  /** The repository's one webhook from now on; what waits to be sent goes where it points. */
  setRepositoryHook(
    owner: string,
    name: string,
    hook: { readonly url: string; readonly secret: string; readonly events: readonly string[] },
  ): number;
  /** What GitLab does to webhooks of a repository after deliveries failed. */
  switchHooksOff(owner: string, name: string): void;
  /**
   * What signs people in where checks' details are, from now on: this host knows who they are, and that they may read
   * the repository. Takes the place of OAuth. Its `link` gives undefined where an address is none of that place.
   */
  vouchFor(vouch: {
    /** What all of its addresses start with. */
    readonly below: string;
    readonly link: (login: string, detailsUrl: string) => Promise<string | undefined>;
  }): void;
  /** A link that signs a browser in as this person; it works once, for an hour. */
  signInLink(login: string): string;
  /** Until all webhooks that wait have been sent. */
  webhooksSent(): Promise<void>;
  stop(): Promise<void>;
}

/** @throws the system's error when the port is taken or the folder cannot be used */
export async function startEmbeddedGitHost(options: EmbeddedGitHostOptions): Promise<EmbeddedGitHost> {
  const { dataDir, log, now = () => new Date() } = options;
  const face = faces[options.face ?? 'github'];
  const repositoriesFolder = join(dataDir, 'repositories');
  const keysFolder = join(dataDir, 'keys');
  for (const folder of [dataDir, repositoriesFolder, keysFolder]) await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(dataDir, 0o700);
  const server = await listenAgain(join(dataDir, 'port'), options.port, options.address);
  const url = `http://${options.address ?? '127.0.0.1'}:${portOf(server)}`;

  const store = new Store(join(dataDir, 'host.sqlite'));
  const outbox = new Outbox({
    store,
    log,
    now,
    resends: face.resends,
    headersOf: (hook, delivery, at, attempt) => face.headersOf(host, hook, delivery, at, attempt),
  });
  let vouch: Parameters<EmbeddedGitHost['vouchFor']>[0] | undefined;
  const host: Host = {
    store,
    repositoriesFolder,
    keysFolder,
    url,
    face,
    gitLab: { groupHooks: false, signingTokens: true, ...options.gitLab },
    now,
    log,
    refLock: new KeyedLock(),
    wakeOutbox: () => outbox.wake(),
    details: {
      holds: (address) => vouch !== undefined && address.startsWith(vouch.below),
      open: async (login, address) => (await vouch?.link(login, address)) ?? address,
    },
  };
  const faults = new Faults();
  const requests = new RequestCounter();
  const limiter = new RateLimiter(options.requestsPerHour ?? 1_000_000, now);
  const secondary = new SecondaryLimits(face.name, now);
  const limits = options.secondaryLimits === undefined ? { limiter } : { limiter, secondary };
  const answered = answerWith(
    server,
    hostApplication(host, { faults, requests, ...limits, assets: await loadAssets() }),
  );
  await announceLeftOver(host);
  outbox.wake();

  const account = (login: string): Account => {
    const found = store.accounts.findByKey(login.toLowerCase());
    if (found === undefined) throw new RangeError(`The Git host has no account "${login}"`);
    return found;
  };
  const repositoryNamed = (owner: string, name: string): Repository => {
    const found = findRepository(host, owner, name);
    if (found === undefined) throw new RangeError(`The Git host has no repository "${owner}/${name}"`);
    return found;
  };
  const appNamed = (slug: string) => {
    const found = store.apps.findByKey(slug);
    if (found === undefined) throw new RangeError(`The Git host has no App "${slug}"`);
    return found;
  };

  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await close(server);
    await answered();
    await outbox.stop();
    // A push that was under way still writes what it did.
    await host.refLock.idle();
    store.close();
  };

  return {
    url,
    apiUrl: `${url}${face.prefix}`,
    faults,
    requests,
    refusals: () => secondary.refused,
    createUser: (login) => ensureAccount(host, login, 'User'),
    createToken: (login, { scopes, lifetimeMs } = {}) => {
      const owner = { type: 'user', accountId: account(login).id } as const;
      const limited = scopes === undefined ? owner : { ...owner, scopes: [...scopes] };
      return issueToken(host, face.tokenPrefix, limited, lifetimeMs ?? null).secret;
    },
    createOrganization: (login, { admins = [] } = {}) => {
      const organization = ensureAccount(host, login, 'Organization');
      for (const admin of admins) setGrant(host, 'organization', organization.id, account(admin).id, 'admin');
      return organization;
    },
    setTeam: (organization, slug, members) => {
      const facts = {
        organizationId: account(organization).id,
        slug,
        memberIds: members.map((member) => account(member).id),
      };
      const known = store.teams.findByKey(`${facts.organizationId}/${slug}`);
      if (known) store.teams.save({ ...known, ...facts });
      else store.teams.insert(facts);
    },
    createRepository: async (owner, name, { private: isPrivate = false, description } = {}) => {
      const repository =
        findRepository(host, owner, name) ??
        (await createRepository(host, account(owner), {
          name,
          private: isPrivate,
          description: description ?? null,
        }));
      const pageUrl = `${url}/${account(owner).login}/${repository.name}`;
      return {
        id: repository.id,
        fullName: `${account(owner).login}/${repository.name}`,
        cloneUrl: `${pageUrl}.git`,
        pageUrl,
      };
    },
    addCollaborator: (owner, name, login, role) =>
      setGrant(host, 'repository', repositoryNamed(owner, name).id, account(login).id, role),
    queueMerges: (owner, name, branch) => {
      const repository = repositoryNamed(owner, name);
      store.repositories.save({ ...repository, queuedBranches: [...new Set([...repository.queuedBranches, branch])] });
    },
    requireChecks: (owner, name, branch, checks) => {
      const repository = repositoryNamed(owner, name);
      store.repositories.save({
        ...repository,
        requiredChecks: { ...repository.requiredChecks, [branch]: [...checks] },
      });
    },
    registerApp: async ({ name = 'Slipway', owner, ...facts }) => {
      const { app, privateKey } = await registerApp(host, keysFolder, { ...facts, name, owner: account(owner) });
      return {
        appId: app.id,
        clientId: app.clientId,
        privateKey,
        slug: app.slug,
        botLogin: store.accounts.get(app.botId).login,
      };
    },
    registerOAuthApp: (facts) => registerOAuthApp(host, facts),
    installApp: (slug, login) => {
      const app = appNamed(slug);
      return installApp(host, app, account(login), store.accounts.get(app.ownerId)).id;
    },
    changeInstallation: (slug, login, change) => {
      const installation = store.installations.findByKey(`${appNamed(slug).id}:${account(login).id}`);
      if (installation === undefined) throw new RangeError(`"${slug}" is not installed on "${login}"`);
      changeInstallation(host, installation, change, account(login));
    },
    setWebhookUrl: (slug, webhookUrl) => {
      for (const hook of store.hooks.list(`app:${appNamed(slug).id}`)) store.hooks.save({ ...hook, url: webhookUrl });
    },
    addRepositoryHook: (owner, name, { url: hookUrl, secret, events }) => {
      const repositoryId = repositoryNamed(owner, name).id;
      const known = store.hooks.list(repositoryId).find((hook) => hook.url === hookUrl);
      const facts = { url: hookUrl, secret, events: [...events], active: true };
      if (known) return store.hooks.save({ ...known, ...facts }).id;
      const target = { type: 'repository', repositoryId } as const;
      return store.hooks.insert({ ...facts, target, createdAt: now().toISOString() }).id;
    },
    setRepositoryHook: (owner, name, hook) => {
      const repositoryId = repositoryNamed(owner, name).id;
      const facts = { ...hook, events: [...hook.events], active: true };
      const [known] = store.hooks.list(repositoryId);
      if (known) return store.hooks.save({ ...known, ...facts }).id;
      const target = { type: 'repository', repositoryId } as const;
      return store.hooks.insert({ ...facts, target, createdAt: now().toISOString() }).id;
    },
    switchHooksOff: (owner, name) => {
      for (const hook of store.hooks.list(repositoryNamed(owner, name).id))
        store.hooks.save({ ...hook, active: false });
    },
    vouchFor: (next) => {
      vouch = next;
    },
    signInLink: (login) => {
      const owner = { type: 'sign-in', accountId: account(login).id } as const;
      return `${url}/sign-in?token=${issueToken(host, '', owner, signInLifetimeMs).secret}`;
    },
    webhooksSent: () => outbox.idle(),
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** Keeps clone URLs alive over restarts: the port of last time, if nobody else has it now. */
async function listenAgain(file: string, wanted: number | undefined, address?: string): Promise<Server> {
  const last = wanted === undefined ? ((await ifThere(readFile(file, 'utf8'))) ?? '0') : String(wanted);
  const server = await listen(Number.parseInt(last, 10) || 0, address).catch(async (error: unknown) => {
    if (wanted !== undefined) throw error;
    return await listen(0, address);
  });
  await writeFile(file, String(portOf(server)));
  return server;
}
