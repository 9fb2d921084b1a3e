import { z } from 'zod';
import type { Person } from '../../engine/core/trigger.ts';

// Only the fields used, of answers and deliveries alike: Gitea sends the same objects in both. Unknown ones are passed over.

export const Account = z.object({ login: z.string(), id: z.number() });

export function personOf({ login, id }: z.infer<typeof Account>): Person {
  return { login, id: String(id) };
}

export const Repository = z.object({
  id: z.number(),
  full_name: z.string().regex(/^[^/]+\/[^/]+$/),
  default_branch: z.string(),
});

const label = z.object({ name: z.string() });

export const PullRequest = z.object({
  number: z.number(),
  title: z.string(),
  state: z.enum(['open', 'closed']),
  merged: z.boolean().nullish(),
  draft: z.boolean().default(false),
  user: Account.nullable(),
  labels: z.array(label).nullish(),
  head: z.object({
    ref: z.string(),
    sha: z.string(),
    repo_id: z.number(),
    repo: z.object({ id: z.number() }).nullish(),
  }),
  base: z.object({ ref: z.string(), sha: z.string(), repo_id: z.number() }),
});

export const Comment = z.object({
  id: z.number(),
  body: z.string(),
  user: Account.nullable(),
  created_at: z.string(),
  pull_request_url: z.string().nullish(),
});

const delivery = z.object({ repository: Repository, sender: Account });

export const PushHook = delivery.extend({
  ref: z.string(),
  before: z.string(),
  after: z.string(),
  head_commit: z.object({ id: z.string(), message: z.string() }).nullish(),
});

export const PullRequestHook = delivery.extend({
  action: z.string(),
  number: z.number(),
  changes: z
    .object({ ref: z.object({ from: z.string() }).nullish(), title: z.object({ from: z.string() }).nullish() })
    .nullish(),
  pull_request: PullRequest,
});

export const CommentHook = delivery.extend({
  action: z.string(),
  is_pull: z.boolean().nullish(),
  issue: z.object({ number: z.number() }),
  comment: z.object({ id: z.number(), body: z.string(), user: Account }),
});
