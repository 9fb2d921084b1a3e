import { createHmac } from 'node:crypto';

/** How each host proves a delivery. GitLab: `token` beside the signing secret, as older webhooks have it. */
export type Signing = 'github' | 'gitlab' | 'gitlab-token' | 'bitbucket' | 'gitea';

export interface DeliveryFacts {
  readonly id: string;
  readonly event: string;
  readonly at: Date;
}

/** The headers of a delivery as its host sends it, with a proof by this secret. */
export function signedHeaders(
  signing: Signing,
  secret: string,
  body: Buffer,
  { id, event, at }: DeliveryFacts,
): Record<string, string> {
  const hmac = () => createHmac('sha256', secret).update(body).digest('hex');
  const json = { 'content-type': 'application/json', 'content-length': String(body.length) };
  switch (signing) {
    case 'github':
      return { ...json, 'x-github-delivery': id, 'x-github-event': event, 'x-hub-signature-256': `sha256=${hmac()}` };
    case 'bitbucket':
      return { ...json, 'x-request-uuid': id, 'x-event-key': event, 'x-hub-signature': `sha256=${hmac()}` };
    case 'gitea':
      return { ...json, 'x-gitea-delivery': id, 'x-gitea-event': event, 'x-gitea-signature': hmac() };
    case 'gitlab-token':
      return { ...json, 'idempotency-key': id, 'x-gitlab-event': event, 'x-gitlab-token': secret };
    case 'gitlab': {
      const time = String(Math.floor(at.getTime() / 1_000));
      const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
      const signature = createHmac('sha256', key).update(`${id}.${time}.`).update(body).digest('base64');
      return {
        ...json,
        'idempotency-key': id,
        'webhook-id': id,
        'webhook-timestamp': time,
        'webhook-signature': `v1,${signature}`,
        'x-gitlab-event': event,
      };
    }
  }
}
