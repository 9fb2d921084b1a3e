import type { WebhookSource } from '../git-host-webhook.ts';
import { isSignedBody, requireSecrets, signingKey } from '../signature.ts';
import { translate } from './translate.ts';

/**
 * Deliveries of Gitea: HMAC-SHA256 over the raw body. A delivery that an administrator sends again has a new id, so it is
 * told by what it is about that it was there before.
 * @throws RangeError without a secret, or with one that anybody knows
 */
export function giteaWebhooks(secrets: readonly string[]): WebhookSource {
  requireSecrets(secrets);
  const keys = secrets.map(signingKey);
  return {
    provider: 'gitea',
    maxBodyBytes: 25 * 2 ** 20,
    headers: { delivery: 'X-Gitea-Delivery', event: 'X-Gitea-Event' },
    identify: (header) => ({ id: header('x-gitea-delivery'), event: header('x-gitea-event') }),
    isGenuine: async (rawBody, header) =>
      rawBody !== '' && isSignedBody(rawBody, `sha256=${header('x-gitea-signature') ?? ''}`, keys),
    eventsIn: (event) => [event],
    translate,
  };
}
