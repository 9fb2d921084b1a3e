import type { z } from 'zod';
import {
  type HostEvent,
  type Person,
  type PullRequestTrigger,
  type ReactionContent,
  Sha,
} from '../../engine/core/trigger.ts';
import { pushedRef } from '../pushed-ref.ts';
import { firstLine, ignored, understood } from '../understand.ts';
import { repositoryOf } from './repository-ref.ts';
import { Emoji, MergeRequest, Note, Push } from './schema.ts';

/** Users that access tokens of projects and groups make, and GitLab's own. Deliveries do not tell them otherwise. */
const botName = /^(?:(?:project|group)_\d+_bot(?:_\w+)?|(?:alert|support|security)-bot|GitLab-\w*bot\w*)$/i;

const actions: ReadonlyMap<string, PullRequestTrigger['action']> = new Map([
  ['open', 'opened'],
  ['reopen', 'opened'],
  ['close', 'closed'],
  ['merge', 'merged'],
]);

const reactions: ReadonlyMap<string, ReactionContent> = new Map([
  ['thumbsup', 'thumbs_up'],
  ['thumbsdown', 'thumbs_down'],
  ['rocket', 'rocket'],
  ['eyes', 'eyes'],
  ['confused', 'confused'],
]);

/** What a verified delivery of GitLab means. */
export function translate(event: string, body: unknown): HostEvent {
  return understood(() => {
    switch (event) {
      case 'Push Hook':
      case 'Tag Push Hook':
        return refPushed(Push.parse(body));
      case 'Merge Request Hook':
        return mergeRequest(MergeRequest.parse(body));
      case 'Note Hook':
        return commented(Note.parse(body));
      case 'Emoji Hook':
        return reacted(Emoji.parse(body));
      default:
        return ignored(`${event} starts nothing`);
    }
  });
}

function refPushed(push: z.infer<typeof Push>): HostEvent {
  const { ref, after, project, checkout_sha, commits } = push;
  const pushed = pushedRef(push);
  if (pushed === undefined) return ignored(`${ref} is no branch or tag`);
  const { kind, name, isDeleted, since } = pushed;
  const repository = repositoryOf(project);
  const key = pushed.keyIn(repository);
  if (isDeleted) return { type: 'gone', repository, key, because: `${ref} was deleted` };
  // An annotated tag's `after` is the tag object; the commit stands in checkout_sha.
  const headSha = Sha(checkout_sha ?? after);
  const facts = {
    repository,
    actor: { login: push.user_username ?? push.user_name, id: String(push.user_id) },
    title: firstLine(commits.find(({ id }) => id === headSha)?.message ?? ''),
    headSha,
  };
  const known =
    kind === 'tag'
      ? { ...facts, type: 'tag' as const, tag: name }
      : {
          ...facts,
          type: 'push' as const,
          branch: name,
          ...since,
        };
  const defaultBranch = project.default_branch ?? undefined;
  // A project without a default branch yet: its first push makes it.
  return defaultBranch === undefined
    ? { type: 'incomplete', known, key, mayHaveMovedNothing: false }
    : { type: 'trigger', trigger: { ...known, defaultBranch }, key };
}

function mergeRequest(hook: z.infer<typeof MergeRequest>): HostEvent {
  const { object_attributes: request, project, changes, user } = hook;
  const repository = repositoryOf(project);
  const { title } = changes;
  const isDraftChange =
    changes.draft !== undefined ||
    (title !== undefined && isDraftTitle(title.previous) !== isDraftTitle(title.current));
  const isMoved = request.oldrev !== undefined || changes.target_branch !== undefined || isDraftChange;
  const action =
    request.action === 'update' ? (isMoved ? 'updated' : undefined) : actions.get(request.action ?? 'none');
  if (action === undefined && request.action === 'update' && changes.labels !== undefined) {
    const before = changes.labels.previous.map(({ title }) => title);
    const now = changes.labels.current.map(({ title }) => title);
    return {
      type: 'label',
      repository,
      number: request.iid,
      by: personOf(user),
      headSha: Sha(request.last_commit.id),
      added: now.filter((title) => !before.includes(title)),
      removed: before.filter((title) => !now.includes(title)),
      labels: now,
    };
  }
  if (action === undefined) return ignored(`merge_request ${request.action ?? ''} changes nothing that is run`);
  // The base's hash stands nowhere in the delivery.
  return {
    type: 'incomplete',
    known: {
      type: 'pull_request',
      action,
      repository,
      number: request.iid,
      actor: personOf(user),
      ...(typeof project.default_branch === 'string' ? { defaultBranch: project.default_branch } : {}),
    },
    key: {
      tenant: repository.tenant,
      repositoryId: repository.id,
      subject: `pull request ${request.iid}`,
      // To a draft and back are two events, whatever else is equal.
      base: `${request.target_branch}${(request.draft ?? isDraftTitle(request.title)) ? ' draft' : ''}`,
      action: request.action ?? '',
      before: request.oldrev ?? '',
      after: request.last_commit.id,
    },
    mayHaveMovedNothing: false,
  };
}

function isDraftTitle(title: string | null | undefined): boolean {
  return /^\s*(?:\[draft\]|\(draft\)|draft:|\[wip\]|wip:)/i.test(title ?? '');
}

/** Only new comments in the conversation are commands: others may edit a comment. */
function commented({ object_attributes: note, merge_request, project, user }: z.infer<typeof Note>): HostEvent {
  if (note.noteable_type !== 'MergeRequest' || merge_request === undefined || merge_request === null) {
    return ignored('a comment on what is no pull request is no command');
  }
  if (note.system === true) return ignored('a note that GitLab wrote is no command');
  if (botName.test(user.username)) return ignored("a bot's comment is no command");
  // Before 16.11 no edits were sent, and no action either.
  if (note.action !== undefined && note.action !== 'create') return ignored('an edited comment is no command');
  if (note.type === 'DiffNote') return ignored('a comment on a line of the code is no command');
  return {
    type: 'comment',
    repository: repositoryOf(project),
    number: merge_request.iid,
    by: personOf(user),
    commentId: String(note.id),
    body: note.note,
    ...headOf(merge_request),
  };
}

function reacted(hook: z.infer<typeof Emoji>): HostEvent {
  const { object_attributes: award, merge_request, project, user } = hook;
  if (award.awardable_type !== 'Note' || merge_request === undefined || merge_request === null) {
    return ignored('a reaction to what is no comment of a pull request is no answer');
  }
  const content = reactions.get(award.name);
  if (content === undefined) return ignored(`the reaction ${award.name.slice(0, 40)} means nothing here`);
  const change = award.action ?? hook.event_type;
  if (change !== 'award' && change !== 'revoke') return ignored('it does not say whether the reaction came or went');
  return {
    type: 'reaction',
    repository: repositoryOf(project),
    number: merge_request.iid,
    by: personOf(user),
    commentId: String(award.awardable_id),
    change: change === 'award' ? 'added' : 'removed',
    content,
    ...headOf(merge_request),
  };
}

function headOf({ last_commit }: { readonly last_commit?: { readonly id: string } | null | undefined }): {
  readonly headSha?: Sha;
} {
  return last_commit === undefined || last_commit === null ? {} : { headSha: Sha(last_commit.id) };
}

function personOf({ id, username }: { readonly id?: number | null | undefined; readonly username: string }): Person {
  return { login: username, id: String(id ?? '') };
}
