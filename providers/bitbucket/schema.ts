import { z } from 'zod';

// Only the fields used. Bitbucket adds fields all the time: unknown ones are passed over.

const repository = z.object({ uuid: z.string(), full_name: z.string().regex(/^[^/]+\/[^/]+$/) });
const account = z.object({ uuid: z.string().nullish(), account_id: z.string().nullish(), type: z.string().optional() });

const ref = z.object({
  type: z.string(),
  name: z.string(),
  target: z.object({ hash: z.string(), message: z.string().default('') }),
});

export const Push = z.object({
  actor: account,
  repository,
  push: z.object({ changes: z.array(z.object({ old: ref.nullable(), new: ref.nullable() })) }),
});

const side = z.object({ branch: z.object({ name: z.string() }), commit: z.object({ hash: z.string() }) });

export const PullRequest = z.object({
  actor: account,
  repository,
  pullrequest: z.object({ id: z.number(), source: side, destination: side }),
});

export const Comment = z.object({
  actor: account,
  repository,
  pullrequest: z.object({ id: z.number() }),
  comment: z.object({
    id: z.number(),
    content: z.object({ raw: z.string() }),
    user: account,
    inline: z.object({}).nullish(),
  }),
});
