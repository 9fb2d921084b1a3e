import type { z } from 'zod';
import {
  type HostEvent,
  type MergeGroupTrigger,
  type PullRequestTrigger,
  Sha,
  type Trigger,
} from '../../engine/core/trigger.ts';
import { pushedRef } from '../pushed-ref.ts';
import { firstLine, ignored, understood } from '../understand.ts';
import { translateInstallation } from './installation.ts';
import { personOf, repositoryOf } from './repository-ref.ts';
import { CheckRun, CheckSuite, Common, IssueComment, Labeled, MergeGroup, PullRequest, Push } from './schema.ts';

/** Branches that GitHub's merge queue makes. */
export const queuePrefix = 'gh-readonly-queue/';

/** What a verified delivery means. A body that is not as GitHub documents it is ignored, with the field that is off. */
export function translate(event: string, body: unknown): HostEvent {
  return understood(() => understand(event, body));
}

function understand(event: string, body: unknown): HostEvent {
  const { installation, action } = Common.parse(body);
  if (event === 'ping') return ignored('a ping asks for nothing');
  if (installation === undefined) return ignored('it names no installation of the App');
  switch (event) {
    case 'push':
      return refPushed(Push.parse(body));
    case 'pull_request':
      return action === 'labeled' || action === 'unlabeled'
        ? labeled(Labeled.parse(body))
        : pullRequest(PullRequest.parse(body));
    case 'issue_comment':
      return commented(IssueComment.parse(body));
    case 'check_run': {
      const { check_run, requested_action, ...rest } = CheckRun.parse(body);
      const button = rest.action === 'requested_action' ? requested_action?.identifier : undefined;
      if (rest.action !== 'rerequested' && button === undefined)
        return ignored(`check_run ${rest.action} asks for nothing`);
      return {
        type: 'rerun',
        repository: repositoryOf(rest),
        headSha: Sha(check_run.head_sha),
        by: personOf(rest.sender),
        ...(check_run.external_id === null || check_run.external_id === '' ? {} : { checkId: check_run.external_id }),
        ...(button === undefined ? {} : { button }),
        ...(typeof check_run.completed_at === 'string' ? { stoodAt: new Date(check_run.completed_at) } : {}),
      };
    }
    case 'check_suite': {
      const { check_suite, ...rest } = CheckSuite.parse(body);
      if (rest.action !== 'rerequested') return ignored(`check_suite ${rest.action} asks for nothing`);
      return {
        type: 'rerun',
        repository: repositoryOf(rest),
        headSha: Sha(check_suite.head_sha),
        by: personOf(rest.sender),
      };
    }
    case 'merge_group':
      return mergeGroup(MergeGroup.parse(body));
    case 'installation':
    case 'installation_repositories':
    case 'repository':
      return translateInstallation(event, body);
    default:
      return ignored(`${event}${action === undefined ? '' : ` ${action}`} starts nothing`);
  }
}

function refPushed(push: z.infer<typeof Push>): HostEvent {
  const { ref, after, deleted, head_commit } = push;
  const pushed = pushedRef(push);
  if (pushed === undefined) return ignored(`${ref} is no branch or tag`);
  const { kind, name, isDeleted, since } = pushed;
  if (kind === 'branch' && name.startsWith(queuePrefix)) return ignored('the merge queue asks for itself');
  const repository = repositoryOf(push);
  const key = pushed.keyIn(repository);
  if (deleted || isDeleted) return { type: 'gone', repository, key, because: `${ref} was deleted` };
  const facts = {
    repository,
    defaultBranch: push.repository.default_branch,
    actor: personOf(push.sender),
    title: firstLine(head_commit?.message ?? ''),
  };
  const trigger: Trigger =
    kind === 'branch'
      ? {
          ...facts,
          type: 'push',
          branch: name,
          headSha: Sha(after),
          ...since,
        }
      : // An annotated tag's `after` is the tag object; the commit stands in head_commit.
        { ...facts, type: 'tag', tag: name, headSha: Sha(head_commit?.id ?? after) };
  return { type: 'trigger', trigger, key };
}

function pullRequest(hook: z.infer<typeof PullRequest>): HostEvent {
  const { pull_request: pull, number, before } = hook;
  const action = actionOf(hook);
  if (action === undefined) return ignored(`pull_request ${hook.action} changes nothing that is run`);
  const repository = repositoryOf(hook);
  const trigger: PullRequestTrigger = {
    type: 'pull_request',
    action,
    repository,
    defaultBranch: hook.repository.default_branch,
    actor: personOf(hook.sender),
    title: firstLine(pull.title),
    headSha: Sha(pull.head.sha),
    number,
    author: personOf(pull.user),
    headRef: pull.head.ref,
    isFork: pull.head.repo?.id !== hook.repository.id,
    baseRef: pull.base.ref,
    baseSha: Sha(pull.base.sha),
    isDraft: pull.draft,
    labels: pull.labels.map(({ name }) => name),
  };
  return {
    type: 'trigger',
    trigger,
    key: {
      tenant: repository.tenant,
      repositoryId: repository.id,
      subject: `pull request ${number}`,
      base: `${pull.base.ref} ${pull.base.sha}`,
      action: hook.action,
      before: before ?? '',
      after: pull.head.sha,
    },
  };
}

/** The next state of a branch, made by the merge queue in a branch of its own. */
function mergeGroup(hook: z.infer<typeof MergeGroup>): HostEvent {
  const { action, merge_group: group } = hook;
  if (action !== 'checks_requested' && action !== 'destroyed') return ignored(`merge_group ${action} asks for nothing`);
  const repository = repositoryOf(hook);
  const branchOf = (ref: string) => ref.replace(/^refs\/heads\//, '');
  const trigger: MergeGroupTrigger = {
    type: 'merge_group',
    action: action === 'destroyed' ? 'removed' : 'requested',
    repository,
    defaultBranch: hook.repository.default_branch,
    actor: personOf(hook.sender),
    title: firstLine(group.head_commit?.message ?? ''),
    headSha: Sha(group.head_sha),
    headRef: branchOf(group.head_ref),
    baseRef: branchOf(group.base_ref),
    baseSha: Sha(group.base_sha),
  };
  const { tenant, id: repositoryId } = repository;
  const subject = `merge group ${trigger.headRef}`;
  const key = { tenant, repositoryId, subject, base: group.base_sha, action, before: '', after: group.head_sha };
  return { type: 'trigger', trigger, key };
}

/** Only new comments of people are commands: others may edit a comment, and a bot repeats what it was told. */
function commented(hook: z.infer<typeof IssueComment>): HostEvent {
  const { action, issue, comment } = hook;
  if (action !== 'created') return ignored(`a comment that was ${action} is no command`);
  if (issue.pull_request === undefined || issue.pull_request === null) {
    return ignored('a comment on an issue is no command');
  }
  if (comment.user.type === 'Bot') return ignored("a bot's comment is no command");
  return {
    type: 'comment',
    repository: repositoryOf(hook),
    number: issue.number,
    by: personOf(comment.user),
    commentId: String(comment.id),
    body: comment.body,
  };
}

function labeled(hook: z.infer<typeof Labeled>): HostEvent {
  const { pull_request: pull, label, action, number } = hook;
  return {
    type: 'label',
    repository: repositoryOf(hook),
    number,
    by: personOf(hook.sender),
    headSha: Sha(pull.head.sha),
    added: action === 'labeled' ? [label.name] : [],
    removed: action === 'labeled' ? [] : [label.name],
    labels: pull.labels.map(({ name }) => name),
  };
}

function actionOf({
  action,
  changes,
  pull_request,
}: z.infer<typeof PullRequest>): PullRequestTrigger['action'] | undefined {
  switch (action) {
    case 'opened':
    case 'reopened':
      return 'opened';
    case 'synchronize':
    case 'ready_for_review':
    case 'converted_to_draft':
      return 'updated';
    case 'edited':
      return changes?.base === undefined ? undefined : 'updated';
    case 'closed':
      return pull_request.merged === true ? 'merged' : 'closed';
    default:
      return undefined;
  }
}
