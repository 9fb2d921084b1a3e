import type { z } from 'zod';
import { type HostEvent, type KnownOfTrigger, type PullRequestTrigger, Sha } from '../../engine/core/trigger.ts';
import { firstLine, ignored, understood } from '../understand.ts';
import { repositoryOf } from './repository-ref.ts';
import { Changes, Comment, PullRequest, Push, personOf } from './schema.ts';

const actions: ReadonlyMap<string, PullRequestTrigger['action']> = new Map([
  ['pullrequest:created', 'opened'],
  ['pullrequest:updated', 'updated'],
  ['pullrequest:fulfilled', 'merged'],
  ['pullrequest:rejected', 'closed'],
]);

/** A push may move several branches: `repo:push`, `repo:push:1`, ... are its changes. */
export function eventsIn(event: string, body: unknown): readonly string[] {
  if (event !== 'repo:push') return [event];
  const push = Changes.safeParse(body);
  const count = push.success ? push.data.push.changes.length : 1;
  return Array.from({ length: Math.max(1, count) }, (_, index) => (index === 0 ? event : `${event}:${index}`));
}

/** What a verified delivery of Bitbucket Cloud means. */
export function translate(event: string, body: unknown): HostEvent {
  return understood(() => {
    const [, change] = /^repo:push(?::(\d+))?$/.exec(event) ?? [];
    if (event.startsWith('repo:push')) return pushed(Push.parse(body), Number(change ?? 0));
    const action = actions.get(event);
    if (action !== undefined) return pullRequest(PullRequest.parse(body), action);
    if (event === 'pullrequest:comment_created') return commented(Comment.parse(body));
    return ignored(`${event} starts nothing`);
  });
}

function pushed({ actor, repository: at, push }: z.infer<typeof Push>, index: number): HostEvent {
  const change = push.changes[index];
  if (change === undefined) return ignored('the push changes nothing');
  const { old, new: now } = change;
  const { type, name } = now ?? old ?? { type: 'ref', name: '' };
  const subject = `${type} ${name}`;
  if (type !== 'branch' && type !== 'tag') return ignored(`${subject} is no branch or tag`);
  const repository = repositoryOf(at);
  const key = {
    tenant: repository.tenant,
    repositoryId: repository.id,
    subject,
    base: '',
    action: 'push',
    before: old?.target.hash ?? '',
    after: now?.target.hash ?? '',
  };
  if (now === null) return { type: 'gone', repository, key, because: `${subject} was deleted` };
  const facts = {
    repository,
    actor: personOf(actor),
    title: firstLine(now.target.message),
    headSha: Sha(now.target.hash),
  };
  const known: KnownOfTrigger =
    now.type === 'tag'
      ? { ...facts, type: 'tag', tag: now.name }
      : {
          ...facts,
          type: 'push',
          branch: now.name,
          ...(old === null ? {} : { beforeSha: Sha(old.target.hash) }),
        };
  // The default branch stands nowhere in the delivery.
  return {
    type: 'incomplete',
    known,
    key,
    mayHaveMovedNothing: false,
  };
}

function pullRequest(
  { actor, repository: at, pullrequest: pull }: z.infer<typeof PullRequest>,
  action: PullRequestTrigger['action'],
): HostEvent {
  const repository = repositoryOf(at);
  // Hashes are 12 characters here, and an update does not say what it changed.
  const mayHaveMovedNothing = action === 'updated';
  return {
    type: 'incomplete',
    known: { type: 'pull_request', action, repository, number: pull.id, actor: personOf(actor) },
    key: {
      tenant: repository.tenant,
      repositoryId: repository.id,
      subject: `pull request ${pull.id}`,
      base: `${pull.destination.branch.name}${pull.draft ? ' draft' : ''}`,
      // One that was created and one that was updated to the same head are the same state.
      action: action === 'opened' || action === 'updated' ? 'open' : action,
      before: '',
      after: pull.source.commit.hash,
    },
    mayHaveMovedNothing,
  };
}

/** Only new comments in the conversation are commands: others may edit a comment. */
function commented({ repository, pullrequest, comment }: z.infer<typeof Comment>): HostEvent {
  if (comment.inline !== undefined && comment.inline !== null) {
    return ignored('a comment on a line of the code is no command');
  }
  if (comment.user.type !== undefined && comment.user.type !== 'user') return ignored("a bot's comment is no command");
  return {
    type: 'comment',
    repository: repositoryOf(repository),
    number: pullrequest.id,
    by: personOf(comment.user),
    commentId: String(comment.id),
    body: comment.content.raw,
  };
}
