import { z } from 'zod';
import { type HostEvent, type RepositoryRef, Sha } from '../../engine/core/trigger.ts';

/** Under this name the inbox keeps what the sweep found; no webhook is served under it. */
export const missedProvider = 'slipway';

const repository = z.object({
  provider: z.string(),
  tenant: z.string(),
  id: z.string(),
  owner: z.string(),
  name: z.string(),
});

const common = {
  repository,
  /** Another one whenever something was found anew: two findings are never the same event. */
  finding: z.string(),
};

const MissedEvent = z.discriminatedUnion('type', [
  z.object({
    ...common,
    type: z.literal('push'),
    branch: z.string(),
    headSha: z.string(),
    beforeSha: z.string().optional(),
  }),
  z.object({ ...common, type: z.literal('tag'), tag: z.string(), headSha: z.string() }),
  z.object({
    ...common,
    type: z.literal('pull_request'),
    number: z.number(),
    author: z.string(),
    authorId: z.string(),
  }),
]);

/** What no delivery told: a branch or tag that moved, or a pull request that stands elsewhere than it did. */
export type MissedEvent = z.infer<typeof MissedEvent> & { readonly repository: RepositoryRef };

/** As a delivery would have told it. Who pushed stands nowhere at the host. */
export function missedHostEvent(body: unknown): HostEvent {
  const missed = MissedEvent.parse(body);
  const { tenant, id: repositoryId } = missed.repository;
  const key = { tenant, repositoryId, base: '', action: `missed ${missed.finding}`, before: '', after: '' };
  if (missed.type === 'pull_request') {
    const actor = { login: missed.author, id: missed.authorId };
    const { number } = missed;
    return {
      type: 'incomplete',
      known: { type: 'pull_request', action: 'updated', repository: missed.repository, number, actor },
      key: { ...key, subject: `pull request ${number}` },
      mayHaveMovedNothing: false,
    };
  }
  const name = missed.type === 'tag' ? missed.tag : missed.branch;
  const facts = {
    repository: missed.repository,
    actor: { login: 'somebody', id: '' },
    title: `${name} at ${missed.headSha.slice(0, 7)}`,
    headSha: Sha(missed.headSha),
  };
  if (missed.type === 'tag') {
    return {
      type: 'incomplete',
      known: { ...facts, type: 'tag', tag: missed.tag },
      key: { ...key, subject: `tag ${missed.tag}`, after: missed.headSha },
      mayHaveMovedNothing: false,
    };
  }
  const { branch, beforeSha } = missed;
  return {
    type: 'incomplete',
    known: { ...facts, type: 'push', branch, ...(beforeSha === undefined ? {} : { beforeSha: Sha(beforeSha) }) },
    key: { ...key, subject: `branch ${branch}`, before: beforeSha ?? '', after: missed.headSha },
    mayHaveMovedNothing: false,
  };
}
