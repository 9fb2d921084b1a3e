import { randomUUID } from 'node:crypto';
import type { Account, Delivery, Hook, Installation, Repository } from '../entities.ts';
import type { Happening } from '../face.ts';
import { nodeId, organizationShape, simpleUser } from '../github/shapes/account.ts';
import { repositoryShape } from '../github/shapes/repository.ts';
import { type Host, timestamp } from '../host.ts';

/** GitHub sends no webhook that is larger. */
const maxPayloadBytes = 25 * 1024 * 1024;

/** What a delivery says of its sending before it was sent. */
const unsent = {
  state: 'pending',
  status: 'pending',
  statusCode: 0,
  durationMs: 0,
  requestHeaders: {},
  responseHeaders: {},
  responseBody: '',
} as const satisfies Partial<Delivery>;

export interface WebhookEvent {
  readonly event: string;
  readonly action?: string;
  readonly repository: Repository;
  readonly sender: Account;
  /** What this event adds to the parts that all have. */
  readonly body: object;
  /** The same for the other hosts; left out where they tell nobody. */
  readonly happening?: Happening;
  /** Sent to this App alone, whether or not it subscribed: a request to it. */
  readonly toAppId?: number;
}

/** Writes one delivery per hook that wants the event to the outbox. Call it in the transaction that makes the event true. */
export function emit(host: Host, event: WebhookEvent): void {
  const { repository, sender, happening } = event;
  if (host.face.name !== 'github') {
    if (happening !== undefined) tell(host, repository, sender, happening);
    return;
  }
  const owner = host.store.accounts.get(repository.ownerId);
  const common = {
    ...(event.action === undefined ? {} : { action: event.action }),
    ...event.body,
    repository: repositoryShape(host, repository),
    ...(owner.type === 'Organization' ? { organization: organizationShape(host, owner) } : {}),
    sender: simpleUser(host, event.sender),
  };
  for (const installation of host.store.installations.list(owner.id)) {
    if (installation.suspendedAt !== null) continue;
    if (event.toAppId === undefined ? !installation.events.includes(event.event) : installation.appId !== event.toAppId)
      continue;
    const body = { ...common, installation: { id: installation.id, node_id: nodeId('I', installation.id) } };
    for (const hook of host.store.hooks.list(`app:${installation.appId}`))
      enqueue(host, hook, event, body, installation);
  }
  if (event.toAppId !== undefined) return;
  for (const hook of host.store.hooks.list(repository.id))
    if (hook.events.includes('*') || hook.events.includes(event.event)) enqueue(host, hook, event, common, null);
}

/** The same for hosts that are not GitHub: their webhooks stand on the repository, or on what it is in. */
export function tell(host: Host, repository: Repository, sender: Account, happening: Happening): void {
  const hooks = [...host.store.hooks.list(repository.id), ...host.store.hooks.list(`owner:${repository.ownerId}`)];
  if (host.face.name === 'github' || hooks.length === 0) return;
  for (const { event, body } of host.face.deliveriesOf(host, repository, sender, happening))
    for (const hook of hooks)
      if (hook.events.includes('*') || hook.events.includes(event))
        enqueue(host, hook, { event, repository }, body, null);
}

/** For events of an App's own life: installed, pinged. */
export function emitToHook(
  host: Host,
  hook: Hook,
  event: { readonly event: string; readonly action?: string; readonly body: object },
  installation: Installation | null,
): Delivery | undefined {
  const body = { ...(event.action === undefined ? {} : { action: event.action }), ...event.body };
  return enqueue(host, hook, event, body, installation);
}

function enqueue(
  host: Host,
  hook: Hook,
  event: { readonly event: string; readonly action?: string; readonly repository?: Repository },
  body: object,
  installation: Installation | null,
): Delivery | undefined {
  if (!hook.active || hook.url === '') return undefined;
  const payload = JSON.stringify(body);
  if (Buffer.byteLength(payload) > maxPayloadBytes) {
    host.log.warn({ event: event.event, hook: hook.id }, 'a webhook over 25 MB is not sent');
    return undefined;
  }
  const now = timestamp(host.now());
  const delivery = host.store.deliveries.insert({
    hookId: hook.id,
    guid: randomUUID(),
    event: event.event,
    action: event.action ?? null,
    installationId: installation?.id ?? null,
    repositoryId: event.repository?.id ?? null,
    redelivery: false,
    payload,
    ...unsent,
    createdAt: now,
    deliveredAt: now,
  });
  host.wakeOutbox();
  return delivery;
}

/** Queues the same delivery again: same GUID, same body. */
export function redeliver(host: Host, delivery: Delivery): Delivery {
  const now = timestamp(host.now());
  const { id: _, ...same } = delivery;
  const again = host.store.deliveries.insert({
    ...same,
    redelivery: true,
    ...unsent,
    createdAt: now,
    deliveredAt: now,
  });
  host.wakeOutbox();
  return again;
}
