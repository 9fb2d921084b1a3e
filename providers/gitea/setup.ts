import { z } from 'zod';
import { type GitHostSetup, gitHostKind, secretsVariable, urlVariable } from '../git-host-setup.ts';
import { clientOf, type OAuthClient, oauthSignIn } from '../oauth.ts';
import { newSecret } from '../signature.ts';
import { createGiteaHost } from './adapter.ts';
import { credentials } from './credentials.ts';
import { oauthHost } from './oauth-host.ts';
import { places } from './places.ts';
import { giteaSession } from './session.ts';
import { giteaWebhooks } from './webhook.ts';

/** A bot user of a Gitea. */
export interface GiteaConfig {
  readonly url: string;
  readonly token: string;
  /** What pods clone with. */
  readonly cloneToken: string;
  /** All are accepted, so that one can be rotated. */
  readonly webhookSecrets: readonly string[];
  /** Signs people in. */
  readonly client?: OAuthClient;
}

const variables = z
  .object({
    GITEA_URL: urlVariable,
    GITEA_TOKEN: z.string().min(1),
    GITEA_CLONE_TOKEN: z.string().min(1),
    GITEA_WEBHOOK_SECRET: secretsVariable,
    GITEA_CLIENT_ID: z.string().min(1).optional(),
    GITEA_CLIENT_SECRET: z.string().min(1).optional(),
  })
  .transform(
    (values): GiteaConfig => ({
      url: values.GITEA_URL,
      token: values.GITEA_TOKEN,
      cloneToken: values.GITEA_CLONE_TOKEN,
      webhookSecrets: values.GITEA_WEBHOOK_SECRET,
      ...clientOf(values.GITEA_CLIENT_ID, values.GITEA_CLIENT_SECRET),
    }),
  );

export function giteaSetup(config: GiteaConfig): GitHostSetup {
  return {
    provider: 'gitea',
    url: config.url,
    apiUrl: `${config.url.replace(/\/+$/, '')}/api/v1/version`,
    ...(config.client === undefined ? {} : { signIn: oauthSignIn(oauthHost(config.url), config.client) }),
    createHost: async () => createGiteaHost(config),
    credentials: () => credentials(config),
    places: () => places(giteaSession(config), config.webhookSecrets),
    webhooks: () => giteaWebhooks(config.webhookSecrets),
  };
}

// An address alone asks for nothing: what tests and demos run on is named by it too.
export const gitea = gitHostKind(
  'gitea',
  ['GITEA_TOKEN', 'GITEA_CLONE_TOKEN', 'GITEA_WEBHOOK_SECRET'],
  ['GITEA_CLIENT_ID', 'GITEA_CLIENT_SECRET'],
  variables,
  giteaSetup,
  {
    url: 'GITEA_URL',
    tokens: ['GITEA_TOKEN', 'GITEA_CLONE_TOKEN'],
    others: [],
    secret: 'GITEA_WEBHOOK_SECRET',
    newSecret,
  },
);
