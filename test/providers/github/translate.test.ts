import { expect, it } from 'vitest';
import type { EventKey } from '../../../engine/core/trigger.ts';
import { translate } from '../../../providers/github/translate.ts';
import { collectedDeliveries, inWords, type Json } from '../deliveries.ts';

const deliveries = collectedDeliveries('github');
const withoutDeliveries = deliveries.length === 0;

/** What each of GitHub's deliveries has to mean. Those of repository webhooks are read as an App would get them. */
const meaning: Readonly<Record<string, string>> = {
  'check_run--completed': 'ignored: check_run completed asks for nothing',
  'check_run--created': 'ignored: check_run created asks for nothing',
  'check_run--requested_action': 'button lgtm|26764 on all of 5bd5f19 by codebytere',
  'check_run--rerequested': 'rerun all of 32fdcc0 by chmouel',
  'check_suite--completed': 'ignored: check_suite completed asks for nothing',
  'check_suite--requested': 'ignored: check_suite requested asks for nothing',
  'check_suite--rerequested': 'rerun all of ec26c3e by octocoders-linter[bot]',
  'commit_comment--created': 'ignored: commit_comment created starts nothing',
  'create--branch': 'ignored: create starts nothing',
  'delete--branch': 'ignored: delete starts nothing',
  'deployment_status--created': 'ignored: deployment_status created starts nothing',
  'github_app_authorization--revoked': 'ignored: github_app_authorization revoked starts nothing',
  'installation--created': 'github:957387 of Codertocat installed for selected by Codertocat',
  'installation--deleted': 'github:2 of octocat removed by octocat',
  'installation--new_permissions_accepted': 'github:957387 of Codertocat permissions_changed for all by Codertocat',
  'installation--suspend': 'github:32739733 of Kobzol suspended by Kobzol',
  'installation_repositories--added': 'github:957387 of Codertocat +[Codertocat/Space] -[] by Codertocat',
  'installation_repositories--removed': 'github:2 of octocat +[] -[octocat/Hello-World] by octocat',
  'issue_comment--created-on-issue': 'ignored: a comment on an issue is no command',
  'issue_comment--created-on-pr-slash-command': 'comment 840508083 on #1 by chmouel: /retest',
  'issue_comment--created-on-pr': 'comment 1420770715 on #5 by Kobzol: hello bors',
  'issue_comment--deleted-on-pr': 'ignored: a comment that was deleted is no command',
  'issue_comment--edited-on-pr': 'ignored: a comment that was edited is no command',
  'issues--labeled': 'ignored: issues labeled starts nothing',
  'merge_group--checks_requested': 'merge group requested 2ffea6d for main@380387f by Codertocat',
  'merge_group--destroyed-merged': 'merge group removed 2ffea6d for main@380387f by Codertocat',
  'ping--app-webhook': 'ignored: a ping asks for nothing',
  'pull_request--assigned': 'ignored: pull_request assigned changes nothing that is run',
  'pull_request--closed-merged': 'merged #5 test@4964158 into main@07eb9b8 by geetanshjuneja',
  'pull_request--closed-unmerged': 'closed #3 readme@cf36029 into main@ce5d683 [foo] by geetanshjuneja',
  'pull_request--converted_to_draft': 'updated #5 test@4964158 into main@07eb9b8 draft by geetanshjuneja',
  'pull_request--edited-base': 'updated #1 test@bedf962 into testest@1f1ee58 [foo,foobar,baz] by vohoanglong0107',
  'pull_request--edited-title': 'ignored: pull_request edited changes nothing that is run',
  'pull_request--labeled': 'labels of #2 by Codertocat: +[bug] -[] =[bug]',
  'pull_request--opened-as-draft': 'opened #5 test@4964158 into main@07eb9b8 draft by geetanshjuneja',
  'pull_request--opened-from-fork': 'opened #79 yamls-beurk@acf31f1 into main@8830a4b fork by chmouel',
  'pull_request--opened': 'opened #2 new-added-branch@5f93507 into main@a0d1e8a by Sakib25800',
  'pull_request--ready_for_review': 'updated #5 test@4964158 into main@07eb9b8 by geetanshjuneja',
  'pull_request--reopened': 'opened #3 readme@cf36029 into main@ce5d683 [foo] by geetanshjuneja',
  'pull_request--review_requested': 'ignored: pull_request review_requested changes nothing that is run',
  'pull_request--synchronize': 'updated #1 test@bedf962 into main@1f1ee58 [foo,foobar,baz] by vohoanglong0107',
  'pull_request--unlabeled': 'labels of #2 by Codertocat: +[] -[bug] =[bug]',
  'pull_request_review--dismissed': 'ignored: pull_request_review dismissed starts nothing',
  'pull_request_review--submitted-approved': 'ignored: pull_request_review submitted starts nothing',
  'pull_request_review--submitted-changes_requested': 'ignored: pull_request_review submitted starts nothing',
  'pull_request_review--submitted-commented': 'ignored: pull_request_review submitted starts nothing',
  'pull_request_review_comment--created': 'ignored: pull_request_review_comment created starts nothing',
  'pull_request_review_comment--deleted': 'ignored: pull_request_review_comment deleted starts nothing',
  'push--branch-created': 'push master new..6113728 by Codertocat',
  'push--branch-deleted': 'ignored: refs/heads/feature-branch was deleted',
  'push--branch-updated-two-commits': 'push main 711d8e2..ef75c7d by chmouel',
  'push--branch-updated': 'push main 00bacbb..6fe4cf6 by chmouel',
  'push--force-pushed': 'push main 5ea7372..f7220f1 by 6543',
  'push--tag-created': 'tag v1.0 63738bb by jessesuen',
  'push--tag-deleted': 'ignored: refs/tags/simple-tag was deleted',
  'release--published': 'ignored: release published starts nothing',
  'repository--renamed': 'github:1 repository_renamed from Hello-World to Octocoders/Hello-World by Codertocat',
  'repository--transferred': 'github:1 repository_transferred from octocat to Octocoders/Hello-World by Codertocat',
  'status--success': 'ignored: status starts nothing',
  'workflow_job--queued': 'ignored: workflow_job queued starts nothing',
  'workflow_run--completed': 'ignored: workflow_run completed starts nothing',
};

it.skipIf(withoutDeliveries)('has an expectation for every delivery (skipped without the collected deliveries)', () => {
  expect(deliveries.map(({ file }) => file).sort()).toEqual(Object.keys(meaning).sort());
});

it.skipIf(withoutDeliveries).each(deliveries)(
  'understands $file (skipped without the collected deliveries)',
  ({ file, headers, body }) => {
    const event = translate(headers['x-github-event'] ?? '', { installation: { id: 7 }, ...body });
    expect(inWords(event)).toBe(meaning[file]);
  },
);

it.skipIf(withoutDeliveries)(
  'takes nothing from a webhook that no installation stands behind (needs the deliveries)',
  () => {
    const bare = deliveries.filter(({ body }) => body['installation'] === undefined);
    expect(bare.length).toBeGreaterThan(10);
    for (const { headers, body } of bare) {
      expect(translate(headers['x-github-event'] ?? '', body).type).toBe('ignored');
    }
  },
);

const [before, after, other] = ['a', 'b', 'c'].map((digit) => digit.repeat(40));

function push(facts: Json = {}): Json {
  return {
    ref: 'refs/heads/main',
    before,
    after,
    deleted: false,
    forced: false,
    head_commit: { id: after, message: 'Say hello\n\nat length' },
    installation: { id: 7 },
    repository: { id: 11, name: 'web', full_name: 'acme/web', default_branch: 'main' },
    sender: { login: 'ann', id: 3 },
    ...facts,
  };
}

function keyOf(body: Json): EventKey {
  const event = translate('push', body);
  if (event.type !== 'trigger') throw new TypeError(inWords(event));
  return event.key;
}

it('gives the same push the same key, and a new one to each that differs', () => {
  const key = keyOf(push());
  expect(keyOf(push())).toEqual(key);
  const others = [
    push({ ref: 'refs/heads/release' }),
    push({ ref: 'refs/tags/main' }),
    push({ before: other }),
    push({ after: other, head_commit: { id: other, message: '' } }),
    push({ installation: { id: 8 } }),
    push({ repository: { id: 12, name: 'web', full_name: 'acme/web', default_branch: 'main' } }),
  ];
  for (const each of others) expect(keyOf(each)).not.toEqual(key);
});

it('names the commit of an annotated tag, not the tag object', () => {
  const event = translate('push', push({ ref: 'refs/tags/v1', head_commit: { id: other, message: '' } }));
  expect(event).toMatchObject({ type: 'trigger', trigger: { type: 'tag', tag: 'v1', headSha: other } });
});

it('takes a pull request whose head repository is gone for a fork', () => {
  const side = { ref: 'x', sha: after, repo: { id: 11 } };
  const pull = { title: 't', user: { login: 'ann', id: 3 }, head: { ...side, repo: null }, base: side };
  const event = translate('pull_request', { ...push(), action: 'opened', number: 1, pull_request: pull });
  expect(event).toMatchObject({ type: 'trigger', trigger: { isFork: true } });
});

it.each([
  ['a short hash', push({ after: 'abc' }), 'not a full commit hash'],
  ['a missing field', push({ ref: undefined }), 'its field ref is not as expected'],
  ['a wrong type', push({ repository: 'acme/web' }), 'its field repository is not as expected'],
  ['a note instead of a branch', push({ ref: 'refs/notes/commits' }), 'is no branch or tag'],
])('ignores a push with %s, and says why', (_, body, because) => {
  const event = translate('push', body);
  expect(event.type === 'ignored' && event.because).toContain(because);
});

const comment = { id: 5, body: '/approve', user: { login: 'bot', id: 9, type: 'Bot' } };

it('hears no bot', () => {
  const body = { ...push(), action: 'created', issue: { number: 1, pull_request: {} }, comment };
  expect(inWords(translate('issue_comment', body))).toBe("ignored: a bot's comment is no command");
});
