import { createPublicKey, generateKeyPair } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ifThere } from '../../../../engine/system-error.ts';
import type { Account, App, Hook, Installation, Permissions } from '../entities.ts';
import { installationShape, simpleUser } from '../github/shapes/account.ts';
import { repositoryShape } from '../github/shapes/repository.ts';
import { type Host, timestamp } from '../host.ts';
import { emitToHook } from '../webhooks/emit.ts';
import { ensureAccount } from './accounts.ts';

export interface AppFacts {
  readonly name: string;
  readonly owner: Account;
  readonly webhookUrl: string;
  readonly webhookSecret: string;
  readonly events: readonly string[];
  readonly permissions: Permissions;
  readonly setupUrl?: string;
}

/**
 * The App of that name with these settings, made when there is none. Unlike GitHub this host keeps the private key, in
 * a file of its owner's alone, so that registering again gives the same App.
 */
export async function registerApp(
  host: Host,
  keysFolder: string,
  facts: AppFacts,
): Promise<{ readonly app: App; readonly hook: Hook; readonly privateKey: string }> {
  const slug = slugOf(facts.name);
  const privateKey = await ensureKey(join(keysFolder, `${slug}.pem`));
  const publicKeyPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  return host.store.atomically(() => {
    const known = host.store.apps.findByKey(slug);
    const settings = { publicKeyPem, permissions: facts.permissions, events: [...facts.events] };
    const now = timestamp(host.now());
    const app = known
      ? host.store.apps.save({ ...known, ...settings })
      : host.store.apps.insert({
          ...settings,
          slug,
          name: facts.name,
          clientId: `Iv23li${Buffer.from(slug).toString('hex').slice(0, 14).padEnd(14, '0')}`,
          ownerId: facts.owner.id,
          botId: ensureAccount(host, `${slug}[bot]`, 'Bot').id,
          setupUrl: facts.setupUrl ?? null,
          createdAt: now,
        });
    for (const each of host.store.installations.all())
      if (each.appId === app.id)
        host.store.installations.save({ ...each, permissions: facts.permissions, events: [...facts.events] });
    const [knownHook] = host.store.hooks.list(`app:${app.id}`);
    const target = { url: facts.webhookUrl, secret: facts.webhookSecret, events: [...facts.events] };
    if (knownHook) return { app, hook: host.store.hooks.save({ ...knownHook, ...target }), privateKey };
    const hook = host.store.hooks.insert({
      ...target,
      target: { type: 'integration', appId: app.id },
      active: true,
      createdAt: now,
    });
    emitToHook(host, hook, { event: 'ping', body: pingBody(host, hook, app) }, null);
    return { app, hook, privateKey };
  });
}

export function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

function pingBody(host: Host, hook: Hook, app: App): object {
  return {
    zen: 'Design for failure.',
    hook_id: hook.id,
    hook: {
      type: 'App',
      id: hook.id,
      name: 'web',
      active: hook.active,
      events: hook.events,
      config: { content_type: 'json', insecure_ssl: '0', secret: '********', url: hook.url },
      updated_at: hook.createdAt,
      created_at: hook.createdAt,
      app_id: app.id,
      deliveries_url: `${host.url}/api/v3/app/hook/deliveries`,
    },
  };
}

/** Installs the App on all repositories of an account; once. */
export function installApp(host: Host, app: App, account: Account, sender: Account): Installation {
  return host.store.atomically(() => {
    const known = host.store.installations.findByKey(`${app.id}:${account.id}`);
    if (known) return known;
    const installation = host.store.installations.insert({
      appId: app.id,
      accountId: account.id,
      permissions: app.permissions,
      events: app.events,
      suspendedAt: null,
      createdAt: timestamp(host.now()),
    });
    const repositories = host.store.repositories.list(account.id).map((each) => {
      const { id, node_id, name, full_name, private: isPrivate } = repositoryShape(host, each);
      return { id, node_id, name, full_name, private: isPrivate };
    });
    const body = {
      installation: installationShape(host, installation),
      repositories,
      requester: null,
      sender: simpleUser(host, sender),
    };
    for (const hook of host.store.hooks.list(`app:${app.id}`))
      emitToHook(host, hook, { event: 'installation', action: 'created', body }, installation);
    return installation;
  });
}

/** What its owner does with an installation: each tells the App, and counts at once. */
export function changeInstallation(
  host: Host,
  installation: Installation,
  change: 'suspend' | 'unsuspend' | 'delete',
  sender: Account,
): void {
  host.store.atomically(() => {
    const changed = { ...installation, suspendedAt: change === 'suspend' ? timestamp(host.now()) : null };
    if (change === 'delete') host.store.installations.delete(installation.id);
    else host.store.installations.save(changed);
    const body = { installation: installationShape(host, changed), sender: simpleUser(host, sender) };
    const action = change === 'delete' ? 'deleted' : change;
    for (const hook of host.store.hooks.list(`app:${installation.appId}`))
      emitToHook(host, hook, { event: 'installation', action, body }, changed);
  });
}

export function privateKeyOf(host: Host, app: App): Promise<string> {
  return readFile(join(host.keysFolder, `${app.slug}.pem`), 'utf8');
}

async function ensureKey(file: string): Promise<string> {
  const kept = await ifThere(readFile(file, 'utf8'));
  if (kept !== undefined) return kept;
  const { privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  await writeFile(`${file}.new`, privateKey, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return privateKey;
}
