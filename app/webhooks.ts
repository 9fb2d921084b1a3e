import { Hono } from 'hono';
import type { Inbox } from './inbox.ts';

/** GitHub sends nothing larger. */
const maxBodyBytes = 25 * 2 ** 20;
const maxDepth = 100;

/**
 * Takes deliveries in: verify over the raw body, one durable write, then the answer. Nothing waits for a pipeline.
 * @param parts.isGenuine checks the raw body against the signature header
 */
export function webhookRoutes(parts: {
  readonly isGenuine: (rawBody: string, signature: string) => Promise<boolean>;
  readonly inbox: Inbox;
}): Hono {
  const routes = new Hono();
  routes.post('/github', async (context) => {
    // By its announced length, which Node holds the body to: nothing has to be read for a refusal.
    const length = Number(context.req.header('content-length') ?? Number.NaN);
    if (Number.isNaN(length)) return context.json({ error: 'The header Content-Length is missing' }, 411);
    if (length > maxBodyBytes) return context.json({ error: 'The body is larger than 25 MB' }, 413);
    const delivery = context.req.header('x-github-delivery');
    const event = context.req.header('x-github-event');
    const signature = context.req.header('x-hub-signature-256');
    if (context.req.header('content-type')?.startsWith('application/json') !== true) {
      return context.json({ error: 'The body has to be application/json: set the content type of the webhook' }, 415);
    }
    if (
      delivery === undefined ||
      event === undefined ||
      !/^[\w-]{1,100}$/.test(delivery) ||
      !/^\w{1,60}$/.test(event)
    ) {
      return context.json({ error: 'The headers X-GitHub-Delivery and X-GitHub-Event are missing or malformed' }, 400);
    }
    const body = await context.req.text();
    if (signature === undefined || !(await parts.isGenuine(body, signature))) {
      return context.json({ error: 'The signature is missing or wrong: compare the webhook secrets' }, 401);
    }
    if (!isPlainJson(body)) return context.json({ error: 'The body is not JSON, or nested too deeply' }, 400);
    const taken = await parts.inbox.take({ provider: 'github', id: delivery, event, body });
    return context.json({ delivery, status: taken }, 202);
  });
  return routes;
}

/** JSON with a bounded depth, so that nothing later can be driven into endless recursion. */
export function isPlainJson(text: string): boolean {
  try {
    return isShallow(JSON.parse(text), maxDepth);
  } catch {
    return false;
  }
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => isShallow(inner, depth - 1));
}
