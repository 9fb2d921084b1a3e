import { z } from 'zod';
import { type GitHostSetup, gitHostKind, secretsVariable, urlVariable } from '../git-host-setup.ts';
import { clientOf, type OAuthClient, oauthSignIn } from '../oauth.ts';
import { createGitHubHost } from './adapter.ts';
import { app, credentials } from './app.ts';
import { oauthHost } from './oauth-host.ts';
import { gitHubSession } from './session.ts';
import { gitHubWebhooks } from './webhook.ts';

/** A GitHub App and where its GitHub is. */
export interface GitHubConfig {
  readonly appId: number;
  readonly privateKey: string;
  /** The first one signs nothing here; all are accepted, so that a secret can be rotated. */
  readonly webhookSecrets: readonly string[];
  /** Absent for github.com. */
  readonly baseUrl?: string;
  /** Signs people in. */
  readonly client?: OAuthClient;
}

const variables = z
  .object({
    GITHUB_APP_ID: z.coerce.number().int().positive(),
    GITHUB_PRIVATE_KEY: z.string(),
    GITHUB_WEBHOOK_SECRET: secretsVariable,
    GITHUB_CLIENT_ID: z.string().min(1).optional(),
    GITHUB_CLIENT_SECRET: z.string().min(1).optional(),
    GITHUB_API_URL: urlVariable.optional(),
  })
  .transform(
    (values): GitHubConfig => ({
      appId: values.GITHUB_APP_ID,
      privateKey: values.GITHUB_PRIVATE_KEY.replaceAll('\\n', '\n'),
      webhookSecrets: values.GITHUB_WEBHOOK_SECRET,
      ...clientOf(values.GITHUB_CLIENT_ID, values.GITHUB_CLIENT_SECRET),
      ...(values.GITHUB_API_URL === undefined ? {} : { baseUrl: values.GITHUB_API_URL }),
    }),
  );

export function gitHubSetup(config: GitHubConfig): GitHostSetup {
  const { webhookSecrets, client: _, ...options } = config;
  const session = () => gitHubSession({ ...options, webhookSecret: webhookSecrets[0] ?? '' });
  return {
    provider: 'github',
    ...(config.baseUrl === undefined ? {} : { url: config.baseUrl }),
    apiUrl: config.baseUrl ?? 'https://api.github.com',
    ...(config.client === undefined ? {} : { signIn: oauthSignIn(oauthHost(config.baseUrl), config.client) }),
    createHost: () => createGitHubHost({ ...options, webhookSecret: webhookSecrets[0] ?? '' }),
    credentials: () => credentials(session),
    app: () => app(session),
    webhooks: () => gitHubWebhooks(webhookSecrets),
  };
}

export const gitHub = gitHostKind(
  'github',
  ['GITHUB_APP_ID', 'GITHUB_PRIVATE_KEY', 'GITHUB_WEBHOOK_SECRET'],
  ['GITHUB_CLIENT_ID', 'GITHUB_CLIENT_SECRET'],
  variables,
  gitHubSetup,
);
