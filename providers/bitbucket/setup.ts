import { z } from 'zod';
import { type GitHostSetup, gitHostKind, secretsVariable, urlVariable } from '../git-host-setup.ts';
import { clientOf, type OAuthClient, oauthSignIn } from '../oauth.ts';
import { newSecret } from '../signature.ts';
import { createBitbucketHost } from './adapter.ts';
import { credentials } from './credentials.ts';
import { oauthHost } from './oauth-host.ts';
import { places } from './places.ts';
import { type BitbucketOptions, bitbucketSession } from './session.ts';
import { bitbucketWebhooks } from './webhook.ts';

/** A bot user of Bitbucket Cloud. */
export interface BitbucketConfig extends BitbucketOptions {
  /** All are accepted, so that one can be rotated. */
  readonly webhookSecrets: readonly string[];
  /** Signs people in. */
  readonly client?: OAuthClient;
}

const variables = z
  .object({
    BITBUCKET_EMAIL: z.email(),
    BITBUCKET_TOKEN: z.string().min(1),
    BITBUCKET_CLONE_TOKEN: z.string().min(1),
    BITBUCKET_WEBHOOK_SECRET: secretsVariable,
    BITBUCKET_CLIENT_ID: z.string().min(1).optional(),
    BITBUCKET_CLIENT_SECRET: z.string().min(1).optional(),
    BITBUCKET_API_URL: urlVariable.default('https://api.bitbucket.org/2.0'),
    BITBUCKET_URL: urlVariable.default('https://bitbucket.org'),
  })
  .transform(
    (values): BitbucketConfig => ({
      email: values.BITBUCKET_EMAIL,
      token: values.BITBUCKET_TOKEN,
      cloneToken: values.BITBUCKET_CLONE_TOKEN,
      webhookSecrets: values.BITBUCKET_WEBHOOK_SECRET,
      ...clientOf(values.BITBUCKET_CLIENT_ID, values.BITBUCKET_CLIENT_SECRET),
      apiUrl: values.BITBUCKET_API_URL,
      url: values.BITBUCKET_URL,
    }),
  );

export function bitbucketSetup({ webhookSecrets, client, ...options }: BitbucketConfig): GitHostSetup {
  return {
    provider: 'bitbucket',
    url: options.url,
    apiUrl: options.apiUrl,
    ...(client === undefined ? {} : { signIn: oauthSignIn(oauthHost(options), client) }),
    createHost: async () => createBitbucketHost(options),
    credentials: () => credentials(bitbucketSession(options)),
    places: () => places(bitbucketSession(options), webhookSecrets),
    webhooks: () => bitbucketWebhooks(webhookSecrets),
  };
}

export const bitbucket = gitHostKind(
  'bitbucket',
  ['BITBUCKET_EMAIL', 'BITBUCKET_TOKEN', 'BITBUCKET_CLONE_TOKEN', 'BITBUCKET_WEBHOOK_SECRET'],
  ['BITBUCKET_CLIENT_ID', 'BITBUCKET_CLIENT_SECRET'],
  variables,
  bitbucketSetup,
  {
    url: 'BITBUCKET_URL',
    tokens: ['BITBUCKET_TOKEN', 'BITBUCKET_CLONE_TOKEN'],
    others: ['BITBUCKET_EMAIL', 'BITBUCKET_API_URL'],
    secret: 'BITBUCKET_WEBHOOK_SECRET',
    newSecret,
  },
);
