import type { z } from 'zod';
import { type HostEvent, type PullRequestTrigger, Sha } from '../../engine/core/trigger.ts';
import { pushedRef } from '../pushed-ref.ts';
import { firstLine, ignored, understood } from '../understand.ts';
import { repositoryOf } from './repository-ref.ts';
import { CommentHook, PullRequestHook, PushHook, personOf } from './schema.ts';

/** What a verified delivery of Gitea means. Events are named as GitHub's, and are not the same. */
export function translate(event: string, body: unknown): HostEvent {
  return understood(() => {
    switch (event) {
      case 'push':
        return refPushed(PushHook.parse(body));
      case 'pull_request':
        return pullRequest(PullRequestHook.parse(body));
      case 'issue_comment':
        return commented(CommentHook.parse(body));
      default:
        return ignored(`${event} starts nothing`);
    }
  });
}

function refPushed(push: z.infer<typeof PushHook>): HostEvent {
  const { ref, after, head_commit } = push;
  const pushed = pushedRef(push);
  if (pushed === undefined) return ignored(`${ref} is no branch or tag`);
  const { kind, name, isDeleted, since } = pushed;
  const repository = repositoryOf(push.repository);
  const key = pushed.keyIn(repository);
  if (isDeleted) return { type: 'gone', repository, key, because: `${ref} was deleted` };
  const facts = {
    repository,
    defaultBranch: push.repository.default_branch,
    actor: personOf(push.sender),
    title: firstLine(head_commit?.message ?? ''),
  };
  return {
    type: 'trigger',
    trigger:
      kind === 'branch'
        ? {
            ...facts,
            type: 'push',
            branch: name,
            headSha: Sha(after),
            ...since,
          }
        : // An annotated tag's `after` is the tag object; the commit stands in head_commit.
          { ...facts, type: 'tag', tag: name, headSha: Sha(head_commit?.id ?? after) },
    key,
  };
}

function pullRequest(hook: z.infer<typeof PullRequestHook>): HostEvent {
  const { pull_request: pull, number } = hook;
  const repository = repositoryOf(hook.repository);
  const labels = (pull.labels ?? []).map(({ name }) => name);
  if (hook.action === 'label_updated' || hook.action === 'label_cleared') {
    // Which ones came or went is not told.
    const by = personOf(hook.sender);
    return {
      type: 'label',
      repository,
      number,
      by,
      headSha: Sha(pull.head.sha),
      added: labels,
      removed: [],
      labels,
    };
  }
  const action = actionOf(hook);
  if (action === undefined) return ignored(`pull_request ${hook.action} changes nothing that is run`);
  return {
    type: 'trigger',
    trigger: {
      type: 'pull_request',
      action,
      repository,
      defaultBranch: hook.repository.default_branch,
      actor: personOf(hook.sender),
      title: firstLine(pull.title),
      headSha: Sha(pull.head.sha),
      number,
      author: pull.user === null ? { login: 'ghost', id: '' } : personOf(pull.user),
      headRef: pull.head.ref,
      isFork: pull.head.repo?.id !== hook.repository.id,
      baseRef: pull.base.ref,
      baseSha: Sha(pull.base.sha),
      isDraft: pull.draft,
      labels,
    },
    key: {
      tenant: repository.tenant,
      repositoryId: repository.id,
      subject: `pull request ${number}`,
      // To a draft and back are two events, whatever else is equal.
      base: `${pull.base.ref} ${pull.base.sha}${pull.draft ? ' draft' : ''}`,
      action: hook.action,
      before: '',
      after: pull.head.sha,
    },
  };
}

function actionOf({
  action,
  changes,
  pull_request,
}: z.infer<typeof PullRequestHook>): PullRequestTrigger['action'] | undefined {
  switch (action) {
    case 'opened':
    case 'reopened':
      return 'opened';
    case 'synchronized':
      return 'updated';
    case 'edited':
      // Its text, or its title, which makes it a draft too, or `ref`: the base that it was for before.
      return (changes?.ref ?? changes?.title ?? undefined) === undefined ? undefined : 'updated';
    case 'closed':
      return pull_request.merged === true ? 'merged' : 'closed';
    default:
      return undefined;
  }
}

/** Only new comments in the conversation are commands: others may edit a comment. */
function commented(hook: z.infer<typeof CommentHook>): HostEvent {
  const { action, is_pull, issue, comment } = hook;
  if (action !== 'created') return ignored(`a comment that was ${action} is no command`);
  if (is_pull !== true) return ignored('a comment on an issue is no command');
  return {
    type: 'comment',
    repository: repositoryOf(hook.repository),
    number: issue.number,
    by: personOf(comment.user),
    commentId: String(comment.id),
    body: comment.body,
  };
}
