import { expect, it } from 'vitest';
import { translate } from '../../../providers/gitlab/translate.ts';
import { collectedDeliveries, inWords } from '../deliveries.ts';

const deliveries = collectedDeliveries('gitlab');
const withoutDeliveries = deliveries.length === 0;

/** What each delivery has to mean. "Ask for the rest": the delivery does not tell all that a trigger needs. */
const meaning: Readonly<Record<string, string>> = {
  'access_token--expiring-project-token': 'ignored: Resource Access Token Hook starts nothing',
  'build--job': 'ignored: Job Hook starts nothing',
  'deployment--running': 'ignored: Deployment Hook starts nothing',
  'emoji--award-on-issue-note': 'ignored: a reaction to what is no comment of a pull request is no answer',
  'emoji--award-on-mr': 'ignored: a reaction to what is no comment of a pull request is no answer',
  'emoji--revoke-on-mr': 'ignored: a reaction to what is no comment of a pull request is no answer',
  'feature_flag--toggled': 'ignored: Feature Flag Hook starts nothing',
  'group--subgroup_create': 'ignored: Subgroup Hook starts nothing',
  'group--user_add_to_group': 'ignored: Member Hook starts nothing',
  'issue--open': 'ignored: Issue Hook starts nothing',
  'issue--update-labels': 'ignored: Issue Hook starts nothing',
  'merge_request--approved': 'ignored: merge_request approved changes nothing that is run',
  'merge_request--close': 'ask for the rest: closed #4 ..3e4db35 into main by anbraten',
  'merge_request--merge': 'ask for the rest: merged #4 ..3e4db35 into main by anbraten',
  'merge_request--open-from-fork': 'ask for the rest: opened #2 ..1256010 into main by samchmou',
  'merge_request--open': 'ask for the rest: opened #3 ..2f76705 into main by real6543',
  'merge_request--reopen': 'ask for the rest: opened #1 ..36b5813 into main by real6543',
  'merge_request--unapproved': 'ignored: merge_request unapproved changes nothing that is run',
  'merge_request--update-assignee': 'ignored: merge_request update changes nothing that is run',
  'merge_request--update-draft-to-ready': 'ask for the rest: updated #3 ..ffd7152 into main by rathod.meetsatish',
  'merge_request--update-labels-added': 'labels of #3 by real6543: +[good first issue] -[] =[good first issue]',
  'merge_request--update-labels-changed':
    'labels of #3 by real6543: +[enhancement,help wanted] -[documentation] =[enhancement,help wanted]',
  'merge_request--update-labels-cleared': 'labels of #3 by real6543: +[] -[enhancement,help wanted] =[]',
  'merge_request--update-new-commit': 'ask for the rest: updated #3 8b64193..c136499 into main by anbraten',
  'merge_request--update-no-code-change': 'ignored: merge_request update changes nothing that is run',
  'merge_request--update-reviewers': 'ignored: merge_request update changes nothing that is run',
  'merge_request--update-title-description': 'ignored: merge_request update changes nothing that is run',
  'merge_request--update-to-draft': 'ask for the rest: updated #3 ..ffd7152 into main draft by rathod.meetsatish',
  'note--commit-comment': 'ignored: a comment on what is no pull request is no command',
  'note--issue-comment': 'ignored: a comment on what is no pull request is no command',
  'note--mr-comment-created-no-action-field': 'comment 50772616 on #1 by sytses: lgtm',
  'note--mr-comment-created': 'comment 1244 on #1 by root: This MR needs work.',
  'note--mr-comment-edited': 'ignored: an edited comment is no command',
  'note--mr-diff-comment': 'ignored: a comment on a line of the code is no command',
  'note--snippet-comment': 'ignored: a comment on what is no pull request is no command',
  'pipeline--success': 'ignored: Pipeline Hook starts nothing',
  'push--branch-created': 'push feature new..c4c7922 by sytses',
  'push--branch-deleted': 'ignored: refs/heads/feature was deleted',
  'push--branch-updated': 'push main ffe8eb4..16862e3 by test',
  'push--commit-list-truncated': 'push master 95790bf..da15608 by jsmith',
  'push--merge-commit': 'push master 2adc946..78a76ee by sytses',
  'release--create': 'ignored: Release Hook starts nothing',
  'tag_push--created': 'tag v22 16862e3 by test',
  'tag_push--deleted': 'ignored: refs/tags/v1.0.0 was deleted',
  'wiki_page--create': 'ignored: Wiki Page Hook starts nothing',
};

it.skipIf(withoutDeliveries)('has an expectation for every delivery (skipped without the collected deliveries)', () => {
  expect(deliveries.map(({ file }) => file).sort()).toEqual(Object.keys(meaning).sort());
});

it.skipIf(withoutDeliveries).each(deliveries)(
  'understands $file (skipped without the collected deliveries)',
  ({ file, headers, body }) => {
    expect(inWords(translate(headers['x-gitlab-event'] ?? '', body))).toBe(meaning[file]);
  },
);
