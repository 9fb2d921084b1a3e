import { bitbucketWebhooks } from '../../providers/bitbucket/webhook.ts';
import type { WebhookSource } from '../../providers/git-host-webhook.ts';
import { giteaWebhooks } from '../../providers/gitea/webhook.ts';
import { gitHubWebhooks } from '../../providers/github/webhook.ts';
import { gitLabWebhooks } from '../../providers/gitlab/webhook.ts';

const webhookSecret = 'a secret for tests alone';

/** Every provider's deliveries. */
export const sources: readonly WebhookSource[] = [
  gitHubWebhooks([webhookSecret]),
  gitLabWebhooks([webhookSecret], () => new Date(0)),
  bitbucketWebhooks([webhookSecret]),
  giteaWebhooks([webhookSecret]),
];
