import { z } from 'zod';

// Only the fields used. GitLab adds fields all the time: unknown ones are passed over.

const project = z.object({
  id: z.number(),
  path_with_namespace: z.string().regex(/^[^/]+(?:\/[^/]+)+$/),
  default_branch: z.string().nullish(),
});
const user = z.object({ id: z.number().nullish(), username: z.string() });

export const Push = z.object({
  before: z.string(),
  after: z.string(),
  ref: z.string(),
  checkout_sha: z.string().nullish(),
  user_id: z.number(),
  user_username: z.string().nullish(),
  user_name: z.string(),
  project,
  commits: z.array(z.object({ id: z.string(), message: z.string() })).default([]),
});

const labels = z.array(z.object({ title: z.string() }));

export const MergeRequest = z.object({
  user,
  project,
  labels: labels.default([]),
  changes: z
    .object({
      target_branch: z.object({ current: z.string() }).optional(),
      draft: z.object({ current: z.boolean() }).optional(),
      /** Before 15.0 it alone told of drafts, by a prefix. */
      title: z.object({ previous: z.string().nullish(), current: z.string().nullish() }).optional(),
      labels: z.object({ previous: labels, current: labels }).optional(),
    })
    .default({}),
  object_attributes: z.object({
    action: z.string().optional(),
    iid: z.number(),
    oldrev: z.string().optional(),
    draft: z.boolean().nullish(),
    title: z.string().nullish(),
    target_branch: z.string(),
    last_commit: z.object({ id: z.string() }),
  }),
});

export const Note = z.object({
  user,
  project,
  object_attributes: z.object({
    id: z.number(),
    note: z.string(),
    noteable_type: z.string(),
    type: z.string().nullish(),
    system: z.boolean().nullish(),
    action: z.string().optional(),
    created_at: z.string(),
    updated_at: z.string(),
  }),
  merge_request: z.object({ iid: z.number(), last_commit: z.object({ id: z.string() }).nullish() }).nullish(),
});

export const Emoji = z.object({
  user,
  project,
  // Real deliveries have only `event_type`; the documentation shows `object_attributes.action`.
  event_type: z.string().optional(),
  object_attributes: z.object({
    name: z.string(),
    awardable_type: z.string(),
    awardable_id: z.number(),
    action: z.string().optional(),
  }),
  merge_request: z.object({ iid: z.number(), last_commit: z.object({ id: z.string() }).nullish() }).nullish(),
});
