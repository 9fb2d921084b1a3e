import { randomBytes } from 'node:crypto';
import type { WebhookSource } from '../git-host-webhook.ts';
import { isSameText, isSigned, newSecret, requireSecrets, signingKey } from '../signature.ts';
import { translate } from './translate.ts';

/** What signing secrets begin with. */
export const signingPrefix = 'whsec_';
/** One to sign with, and a token for a GitLab that is too old for it. */
export function newSigningSecrets(): string {
  return `${signingPrefix}${randomBytes(32).toString('base64')} ${newSecret()}`;
}

const maxAgeMs = 5 * 60_000;
/** HMAC-SHA256 in base64, in the one way to write it; other versions are passed over. */
const signatureOf = /^v1,([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$/;

/**
 * Deliveries of GitLab. A secret that starts with `whsec_` is a signing secret (HMAC over id, time and body), any other
 * one a token, which GitLab sends as it is.
 * @throws RangeError without a secret, or with one that anybody knows
 */
export function gitLabWebhooks(secrets: readonly string[], now: () => Date): WebhookSource {
  requireSecrets(secrets);
  const signing = secrets
    .filter((secret) => secret.startsWith(signingPrefix))
    .map((secret) => Buffer.from(secret.slice(signingPrefix.length), 'base64'));
  // Text that is no base64 is an empty key, which anybody has.
  if (signing.length > 0) requireSecrets(signing);
  const keys = signing.map(signingKey);
  const tokens = secrets.filter((secret) => !secret.startsWith(signingPrefix));
  return {
    provider: 'gitlab',
    maxBodyBytes: 25 * 2 ** 20,
    headers: { delivery: 'Idempotency-Key', event: 'X-Gitlab-Event' },
    identify: (header) => ({
      // The last one only where GitLab is too old for the others: it is the same for all events of one push.
      id: header('idempotency-key') ?? header('webhook-id') ?? header('x-gitlab-event-uuid'),
      event: header('x-gitlab-event'),
    }),
    async isGenuine(rawBody, header) {
      if (rawBody === '') return false;
      const token = header('x-gitlab-token') ?? '';
      if (tokens.map((each) => isSameText(token, each)).includes(true)) return true;
      const [id, time, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(header);
      if (id === undefined || time === undefined || signatures === undefined || !/^\d{1,12}$/.test(time)) return false;
      // An old delivery that somebody kept is not taken again.
      if (Math.abs(now().getTime() - Number(time) * 1_000) > maxAgeMs) return false;
      // The id that is signed has to be the one that deliveries are told apart by.
      if ((header('idempotency-key') ?? id) !== id) return false;
      const given = signatures.split(' ', 10).flatMap((one) => signatureOf.exec(one)?.[1] ?? []);
      const bytes = given.map((one) => Buffer.from(one, 'base64'));
      return isSigned([`${id}.${time}.`, rawBody], bytes, keys);
    },
    eventsIn: (event) => [event],
    translate,
  };
}
