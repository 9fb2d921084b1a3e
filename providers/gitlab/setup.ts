import { z } from 'zod';
import { type GitHostSetup, gitHostKind, secretsVariable, urlVariable } from '../git-host-setup.ts';
import { clientOf, type OAuthClient, oauthSignIn } from '../oauth.ts';
import { createGitLabHost } from './adapter.ts';
import { credentials } from './credentials.ts';
import { oauthHost } from './oauth-host.ts';
import { places } from './places.ts';
import { gitLabSession } from './session.ts';
import { gitLabWebhooks, newSigningSecrets } from './webhook.ts';

/** A bot user of a GitLab. */
export interface GitLabConfig {
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
    GITLAB_URL: urlVariable.default('https://gitlab.com'),
    GITLAB_TOKEN: z.string().min(1),
    GITLAB_CLONE_TOKEN: z.string().min(1),
    GITLAB_WEBHOOK_SECRET: secretsVariable,
    GITLAB_CLIENT_ID: z.string().min(1).optional(),
    GITLAB_CLIENT_SECRET: z.string().min(1).optional(),
  })
  .transform(
    (values): GitLabConfig => ({
      url: values.GITLAB_URL,
      token: values.GITLAB_TOKEN,
      cloneToken: values.GITLAB_CLONE_TOKEN,
      webhookSecrets: values.GITLAB_WEBHOOK_SECRET,
      ...clientOf(values.GITLAB_CLIENT_ID, values.GITLAB_CLIENT_SECRET),
    }),
  );

export function gitLabSetup(config: GitLabConfig): GitHostSetup {
  return {
    provider: 'gitlab',
    url: config.url,
    apiUrl: `${config.url.replace(/\/+$/, '')}/api/v4`,
    ...(config.client === undefined ? {} : { signIn: oauthSignIn(oauthHost(config.url), config.client) }),
    createHost: async () => createGitLabHost(config),
    credentials: (now) => credentials(config, now),
    places: () => places(gitLabSession(config), config.webhookSecrets),
    webhooks: (now) => gitLabWebhooks(config.webhookSecrets, now),
  };
}

export const gitLab = gitHostKind(
  'gitlab',
  ['GITLAB_TOKEN', 'GITLAB_CLONE_TOKEN', 'GITLAB_WEBHOOK_SECRET'],
  ['GITLAB_CLIENT_ID', 'GITLAB_CLIENT_SECRET'],
  variables,
  gitLabSetup,
  {
    url: 'GITLAB_URL',
    tokens: ['GITLAB_TOKEN', 'GITLAB_CLONE_TOKEN'],
    others: [],
    secret: 'GITLAB_WEBHOOK_SECRET',
    newSecret: newSigningSecrets,
  },
);
