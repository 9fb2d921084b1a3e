import type { Comment, Pull, Reaction, ReactionContent } from '../entities.ts';
import { commentShape, issueShape } from '../github/shapes/comment.ts';
import { type Actor, type Host, timestamp } from '../host.ts';
import { validationFailed } from '../refusal.ts';
import { emit, tell } from '../webhooks/emit.ts';

/** In characters. */
const maxBodyChars = { github: 65_536, gitlab: 1_000_000, bitbucket: 32_768 } as const;

export function addComment(host: Host, pull: Pull, actor: Actor, body: string): Comment {
  refuseBadBody(host, body);
  return host.store.atomically(() => {
    const now = timestamp(host.now());
    const comment = host.store.comments.insert({
      repositoryId: pull.repositoryId,
      number: pull.number,
      authorId: actor.account.id,
      appId: actor.appId,
      body,
      createdAt: now,
      updatedAt: now,
    });
    emitComment(host, pull, comment, 'created', actor);
    return comment;
  });
}

export function editComment(host: Host, pull: Pull, known: Comment, actor: Actor, body: string): Comment {
  refuseBadBody(host, body);
  return host.store.atomically(() => {
    const comment = host.store.comments.save({ ...known, body, updatedAt: timestamp(host.now()) });
    emitComment(host, pull, comment, 'edited', actor, { changes: { body: { from: known.body } } });
    return comment;
  });
}

export function deleteComment(host: Host, pull: Pull, comment: Comment, actor: Actor): void {
  host.store.atomically(() => {
    emitComment(host, pull, comment, 'deleted', actor);
    for (const reaction of host.store.reactions.list(`comment:${comment.id}`)) host.store.reactions.delete(reaction.id);
    host.store.comments.delete(comment.id);
  });
}

/** Its place stays, with nothing in it. */
export function softDeleteComment(host: Host, pull: Pull, comment: Comment, actor: Actor): void {
  host.store.atomically(() => {
    const gone = host.store.comments.save({ ...comment, body: '', isDeleted: true, updatedAt: timestamp(host.now()) });
    emitComment(host, pull, gone, 'deleted', actor);
  });
}

/** The same reaction of the same person stands once. GitHub has no webhook for it. */
export function addReaction(
  host: Host,
  subject: string,
  actor: Actor,
  content: ReactionContent,
): { readonly reaction: Reaction; readonly isNew: boolean } {
  return host.store.atomically(() => {
    const known = host.store.reactions.findByKey(`${subject}:${actor.account.id}:${content}`);
    if (known) return { reaction: known, isNew: false };
    const reaction = host.store.reactions.insert({
      subject,
      accountId: actor.account.id,
      content,
      createdAt: timestamp(host.now()),
    });
    tellReaction(host, reaction, 'added', actor);
    return { reaction, isNew: true };
  });
}

export function removeReaction(host: Host, reaction: Reaction, actor: Actor): void {
  host.store.atomically(() => {
    host.store.reactions.delete(reaction.id);
    tellReaction(host, reaction, 'removed', actor);
  });
}

function tellReaction(host: Host, reaction: Reaction, change: 'added' | 'removed', { account }: Actor): void {
  const [kind, id] = reaction.subject.split(':');
  const comment = kind === 'comment' ? host.store.comments.find(Number(id)) : undefined;
  if (comment === undefined) return;
  const repository = host.store.repositories.get(comment.repositoryId);
  const pull = host.store.pulls.findByKey(`${comment.repositoryId}#${comment.number}`);
  if (pull !== undefined) tell(host, repository, account, { type: 'reaction', change, pull, comment, reaction });
}

function refuseBadBody(host: Host, body: string): void {
  const most = maxBodyChars[host.face.name];
  if (body.trim() === '') throw validationFailed({ resource: 'IssueComment', field: 'body', code: 'missing_field' });
  if (body.length > most)
    throw validationFailed({
      resource: 'IssueComment',
      field: 'body',
      code: 'unprocessable',
      message: `body is too long (maximum is ${most} characters)`,
    });
}

function emitComment(
  host: Host,
  pull: Pull,
  comment: Comment,
  action: 'created' | 'edited' | 'deleted',
  actor: Actor,
  extra: object = {},
): void {
  emit(host, {
    event: 'issue_comment',
    action,
    repository: host.store.repositories.get(pull.repositoryId),
    sender: actor.account,
    body: { ...extra, issue: issueShape(host, pull), comment: commentShape(host, comment) },
    happening: { type: 'comment', action, pull, comment },
  });
}
