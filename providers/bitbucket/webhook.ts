import type { WebhookSource } from '../git-host-webhook.ts';
import { isSignedBody, requireSecrets, signingKey } from '../signature.ts';
import { eventsIn, translate } from './translate.ts';

/**
 * Deliveries of Bitbucket Cloud: HMAC-SHA256 over the raw body; it signs nothing where the webhook has no secret.
 * @throws RangeError without a secret, or with one that anybody knows
 */
export function bitbucketWebhooks(secrets: readonly string[]): WebhookSource {
  requireSecrets(secrets);
  const keys = secrets.map(signingKey);
  return {
    provider: 'bitbucket',
    maxBodyBytes: 2 ** 20,
    headers: { delivery: 'X-Request-UUID', event: 'X-Event-Key' },
    identify: (header) => ({ id: header('x-request-uuid'), event: header('x-event-key') }),
    isGenuine: async (rawBody, header) => isSignedBody(rawBody, header('x-hub-signature') ?? '', keys),
    eventsIn,
    translate,
  };
}
