import { createHmac } from 'node:crypto';
import { Hono } from 'hono';
import { Inbox } from '../../app/intake/inbox.ts';
import { webhookRoutes } from '../../app/intake/webhooks.ts';
import { createApp } from '../../app/server.ts';
import { type Clock, systemClock } from '../../engine/ports/clock.ts';
import { bitbucketWebhooks } from '../../providers/bitbucket/webhook.ts';
import { gitHubWebhooks } from '../../providers/github/webhook.ts';
import { gitLabWebhooks } from '../../providers/gitlab/webhook.ts';
import { testDatabase } from './embedded/database/test-database.ts';

export const secrets = ['the newer secret, in use', 'the older secret, rotated out'] as const;

export function signed(body: string, secret: string = secrets[0]): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

/** Slipway's webhooks over HTTP, with a real inbox; what comes through is noted. */
export async function webhookWorld(
  facts: { readonly handle?: () => Promise<{ readonly ignoredBecause?: string }>; readonly clock?: Clock } = {},
) {
  const { database } = testDatabase();
  const handled: string[] = [];
  const errors: unknown[] = [];
  const sources = [
    gitHubWebhooks([...secrets]),
    gitLabWebhooks([...secrets], () => new Date(0)),
    bitbucketWebhooks([...secrets]),
  ];
  const inbox = new Inbox({
    database,
    clock: facts.clock ?? systemClock,
    translate: (provider, event, body) =>
      sources.find((each) => each.provider === provider)?.translate(event, body) ?? {
        type: 'ignored',
        because: provider,
      },
    handle: async (_event, delivery) => {
      handled.push(delivery);
      return (await facts.handle?.()) ?? {};
    },
    onError: (error) => errors.push(error),
  });
  await inbox.prepare();
  const app = createApp({
    webhooks: webhookRoutes({ source: (provider) => sources.find((each) => each.provider === provider), inbox }),
    api: new Hono(),
    apiToken: 'token',
    hosts: () => new Set(),
    isReady: () => true,
    onError: (error) => errors.push(error),
  });
  let count = 0;
  return {
    handled,
    errors,
    inbox,
    /** @param headers undefined leaves one out */
    async deliver(
      body: string,
      headers: Readonly<Record<string, string | undefined>> = {},
      provider = 'github',
    ): Promise<{ readonly status: number; readonly text: string }> {
      count += 1;
      const all = Object.entries({
        'content-type': 'application/json',
        'x-github-delivery': `delivery-${count}`,
        'x-github-event': 'push',
        'x-hub-signature-256': signed(body),
        'content-length': String(Buffer.byteLength(body)),
        ...headers,
      }).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]));
      const answer = await app.request(`/webhooks/${provider}`, { method: 'POST', body, headers: all });
      return { status: answer.status, text: await answer.text() };
    },
    /** What is kept of the deliveries, by their id. */
    async kept(): Promise<Readonly<Record<string, string>>> {
      await inbox.idle();
      const all = await database
        .collection<{ _id: string; state: string; because?: string }>('deliveries')
        .find({})
        .toArray();
      return Object.fromEntries(all.map(({ _id, state, because }) => [_id, because ? `${state}: ${because}` : state]));
    },
  };
}
