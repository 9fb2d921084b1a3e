import { expect, it } from 'vitest';
import { translate } from '../../../providers/gitea/translate.ts';
import { collectedDeliveries, inWords } from '../deliveries.ts';

const deliveries = collectedDeliveries('gitea');
const withoutDeliveries = deliveries.length === 0;

/** What each delivery has to mean. */
const meaning: Readonly<Record<string, string>> = {
  'create--tag': 'ignored: create starts nothing',
  'delete--branch': 'ignored: delete starts nothing',
  'issue_comment--created-by-outsider': 'comment 24 on #2 by outsider: /approve',
  'issue_comment--created-on-pr-slash-command': 'comment 3 on #1 by dev: /retry unit',
  'issue_comment--deleted-on-pr': 'ignored: a comment that was deleted is no command',
  'issue_comment--edited-on-pr': 'ignored: a comment that was edited is no command',
  'pull_request--closed-merged': 'merged #2 patch-1@b5b42cd into main@b5bf8ae fork by dev',
  'pull_request--closed-unmerged': 'closed #1 feature@653af58 into main@b5bf8ae by dev',
  'pull_request--edited-to-draft': 'updated #1 feature@653af58 into main@b5bf8ae draft by dev',
  'pull_request--label-updated': 'labels of #1 by slipway-bot: +[risk: low] -[] =[risk: low]',
  'pull_request--opened-from-fork': 'opened #2 patch-1@1e8a58c into main@1f3b422 fork by outsider',
  'pull_request--opened': 'opened #1 feature@22883e7 into main@1f3b422 by dev',
  'pull_request--synchronized-from-fork': 'updated #2 patch-1@8cc2a1a into main@1f3b422 fork by outsider',
  'pull_request--synchronized': 'updated #1 feature@311b53f into main@1f3b422 by dev',
  'pull_request_approved--reviewed': 'ignored: pull_request_approved starts nothing',
  'pull_request_comment--reviewed': 'ignored: pull_request_comment starts nothing',
  'pull_request_rejected--reviewed': 'ignored: pull_request_rejected starts nothing',
  'push--annotated-tag-created': 'tag v1.0.0 22883e7 by dev',
  'push--branch-created': 'push feature new..22883e7 by dev',
  'push--branch-updated': 'push feature 22883e7..311b53f by dev',
  'push--merged': 'push main 1f3b422..b5bf8ae by dev',
  'push--tag-created': 'tag v1.0.1 22883e7 by dev',
  'push--tag-deleted': 'ignored: refs/tags/v1.0.1 was deleted',
  'status--pending': 'ignored: status starts nothing',
};

it.skipIf(withoutDeliveries)('has an expectation for every delivery (skipped without the collected deliveries)', () => {
  expect(deliveries.map(({ file }) => file).sort()).toEqual(Object.keys(meaning).sort());
});

it.skipIf(withoutDeliveries).each(deliveries)(
  'understands $file (skipped without the collected deliveries)',
  ({ file, headers, body }) => {
    expect(inWords(translate(headers['x-gitea-event'] ?? '', body))).toBe(meaning[file]);
  },
);
