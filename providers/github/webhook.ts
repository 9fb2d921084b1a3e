import { Webhooks } from '@octokit/webhooks';
import type { WebhookSource } from '../git-host-webhook.ts';
import { requireSecrets } from '../signature.ts';
import { translate } from './translate.ts';

/**
 * Deliveries to a GitHub App: HMAC-SHA256 over the raw body. A redelivery keeps its id.
 * @throws RangeError without a secret, or with one that anybody knows
 */
export function gitHubWebhooks(secrets: readonly string[]): WebhookSource {
  requireSecrets(secrets);
  const checks = secrets.map((secret) => new Webhooks({ secret }));
  return {
    provider: 'github',
    maxBodyBytes: 25 * 2 ** 20,
    headers: { delivery: 'X-GitHub-Delivery', event: 'X-GitHub-Event' },
    identify: (header) => ({ id: header('x-github-delivery'), event: header('x-github-event') }),
    async isGenuine(rawBody, header) {
      const signature = header('x-hub-signature-256');
      // octokit throws on an empty body, which a stranger may send.
      if (rawBody === '' || signature === undefined || !/^sha256=[0-9a-f]{64}$/.test(signature)) return false;
      for (const check of checks) if (await check.verify(rawBody, signature)) return true;
      return false;
    },
    eventsIn: (event) => [event],
    translate,
  };
}
