import { type Context, Hono } from 'hono';
import type { Header, WebhookSource } from '../../providers/git-host-webhook.ts';
import type { Inbox } from './inbox.ts';

const maxDepth = 100;
/** One request may not become an endless list of deliveries. */
const maxEvents = 100;

/** Takes deliveries in, at `/<provider>`: verify over the raw body, write, then the answer. Nothing waits for a pipeline. */
export function webhookRoutes(parts: {
  /** Looked up for each delivery: a host may be set up while Slipway runs. */
  readonly source: (provider: string) => WebhookSource | undefined;
  readonly inbox: Inbox;
}): Hono {
  return new Hono().post('/:provider', (context) => {
    const source = parts.source(context.req.param('provider'));
    return source === undefined ? context.notFound() : take(context, source, parts.inbox);
  });
}

async function take(context: Context, source: WebhookSource, inbox: Inbox): Promise<Response> {
  const header: Header = (name) => context.req.header(name);
  // By its announced length, which Node holds the body to: nothing has to be read for a refusal.
  const length = Number(header('content-length') ?? Number.NaN);
  if (Number.isNaN(length)) return context.json({ error: 'The header Content-Length is missing' }, 411);
  if (length > source.maxBodyBytes) {
    return context.json({ error: `The body is larger than ${source.maxBodyBytes / 2 ** 20} MB` }, 413);
  }
  if (header('content-type')?.startsWith('application/json') !== true) {
    return context.json({ error: 'The body has to be application/json: set the content type of the webhook' }, 415);
  }
  const { id, event } = source.identify(header);
  if (id === undefined || event === undefined || !/^[\w-]{1,100}$/.test(id) || !/^\w[\w :-]{0,59}$/.test(event)) {
    const { headers } = source;
    return context.json(
      { error: `The headers ${headers.delivery} and ${headers.event} are missing or malformed` },
      400,
    );
  }
  const body = await context.req.text();
  if (!(await source.isGenuine(body, header))) {
    return context.json({ error: 'The signature is missing or wrong: compare the webhook secrets' }, 401);
  }
  const json = plainJson(body);
  if (json === undefined) return context.json({ error: 'The body is not JSON, or nested too deeply' }, 400);
  const events = source.eventsIn(event, json.value).slice(0, maxEvents);
  let status: 'received' | 'already received' = 'already received';
  // All but a few hosts' pushes are one: one durable write before the answer.
  for (const [index, each] of events.entries()) {
    const own = index === 0 ? id : `${id}.${index}`;
    const taken = await inbox.take({ provider: source.provider, id: own, event: each, body });
    if (taken === 'received') status = taken;
  }
  return context.json({ delivery: id, status }, 202);
}

/** JSON with a bounded depth, so that nothing later can be driven into endless recursion. */
export function isPlainJson(text: string): boolean {
  return plainJson(text) !== undefined;
}

function plainJson(text: string): { readonly value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isShallow(value, maxDepth) ? { value } : undefined;
  } catch {
    return undefined;
  }
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => isShallow(inner, depth - 1));
}
