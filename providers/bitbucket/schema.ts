import { z } from 'zod';
import type { Person } from '../../engine/core/trigger.ts';

// Only the fields used. Bitbucket adds fields all the time: unknown ones are passed over.

export const Repository = z.object({ uuid: z.string(), full_name: z.string().regex(/^[^/]+\/[^/]+$/) });
export const Account = z.object({
  uuid: z.string().nullish(),
  account_id: z.string().nullish(),
  type: z.string().optional(),
});

/**
 * Nicknames are anybody's to choose and not unique, so they say nothing about who somebody is. An account's id does, and
 * Bitbucket shows `@{id}` as the name.
 */
export function personOf({ uuid, account_id }: z.infer<typeof Account>): Person {
  const id = account_id ?? uuid ?? '';
  return { login: id, id: uuid ?? id };
}

const ref = z.object({
  type: z.string(),
  name: z.string(),
  target: z.object({ hash: z.string(), message: z.string().default('') }),
});

export const Push = z.object({
  actor: Account,
  repository: Repository,
  push: z.object({ changes: z.array(z.object({ old: ref.nullable(), new: ref.nullable() })) }),
});

/** How many there are is all that is asked before a delivery is acknowledged. */
export const Changes = z.object({ push: z.object({ changes: z.array(z.unknown()) }) });

const side = z.object({ branch: z.object({ name: z.string() }), commit: z.object({ hash: z.string() }) });

export const PullRequest = z.object({
  actor: Account,
  repository: Repository,
  pullrequest: z.object({ id: z.number(), source: side, destination: side, draft: z.boolean().default(false) }),
});

export const Comment = z.object({
  actor: Account,
  repository: Repository,
  pullrequest: z.object({ id: z.number() }),
  comment: z.object({
    id: z.number(),
    content: z.object({ raw: z.string() }),
    user: Account,
    inline: z.object({}).nullish(),
  }),
});
