import { Webhooks } from '@octokit/webhooks';

/** Checks that GitHub sent a delivery: HMAC-SHA256 over the raw body, in constant time, with any of several secrets. */
export interface WebhookVerifier {
  isGenuine(rawBody: string, signature: string): Promise<boolean>;
}

const shortestSecret = 16;

/** @throws RangeError without a secret, or with one that anybody knows */
export function webhookVerifier(secrets: readonly string[]): WebhookVerifier {
  const weak = secrets.find((secret) => secret.length < shortestSecret);
  if (secrets.length === 0 || weak !== undefined) {
    throw new RangeError(
      `A webhook secret of at least ${shortestSecret} characters is needed: without one anybody could start runs`,
    );
  }
  const checks = secrets.map((secret) => new Webhooks({ secret }));
  return {
    async isGenuine(rawBody, signature) {
      // octokit throws on an empty body, which a stranger may send.
      if (rawBody === '') return false;
      if (!/^sha256=[0-9a-f]{64}$/.test(signature)) return false;
      for (const check of checks) if (await check.verify(rawBody, signature)) return true;
      return false;
    },
  };
}
