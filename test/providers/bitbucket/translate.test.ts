import { expect, it } from 'vitest';
import { eventsIn, translate } from '../../../providers/bitbucket/translate.ts';
import { collectedDeliveries, inWords } from '../deliveries.ts';

const deliveries = collectedDeliveries('bitbucket');
const withoutDeliveries = deliveries.length === 0;

/** What each delivery has to mean. "Ask for the rest": the delivery does not tell all that a trigger needs. */
const meaning: Readonly<Record<string, string>> = {
  'issue_comment_created--issue-comment': 'ignored: issue:comment_created starts nothing',
  'issue_created--issue': 'ignored: issue:created starts nothing',
  'pullrequest_approved--approved': 'ignored: pullrequest:approved starts nothing',
  'pullrequest_changes_request_created--changes-requested':
    'ignored: pullrequest:changes_request_created starts nothing',
  'pullrequest_changes_request_removed--changes-request-removed':
    'ignored: pullrequest:changes_request_removed starts nothing',
  'pullrequest_comment_created--general': 'comment 144318746 on #198 by aabbccddeeffaabbccddeeff: test general commen',
  'pullrequest_comment_created--slash-command': 'comment 144318746 on #198 by aabbccddeeffaabbccddeeff: /preview api',
  'pullrequest_comment_deleted--deleted': 'ignored: pullrequest:comment_deleted starts nothing',
  'pullrequest_comment_updated--inline': 'ignored: pullrequest:comment_updated starts nothing',
  'pullrequest_created--from-fork':
    'ask for the rest: opened #3 ..1c48041 into main by {f70f195e-ade1-4961-9f89-547541377b80}',
  'pullrequest_created--same-repo':
    'ask for the rest: opened #735 ..d31df34 into master by 557058:ca1cd232-2017-4216-94be-99637899e18d',
  'pullrequest_fulfilled--merged':
    'ask for the rest: merged #1 ..668218c into main by 70121:3046ad5f-946f-48fa-bcb4-a399eef48f0e',
  'pullrequest_rejected--declined':
    'ask for the rest: closed #2 ..f90e18f into main by 70121:3046ad5f-946f-48fa-bcb4-a399eef48f0e',
  'pullrequest_unapproved--approval-removed': 'ignored: pullrequest:unapproved starts nothing',
  'pullrequest_updated--new-commit-from-fork':
    'ask for the rest: updated #3 ..63e3d18 into main by {f70f195e-ade1-4961-9f89-547541377b80}',
  'pullrequest_updated--now-draft':
    'ask for the rest: updated #1 ..f945c96 into master draft by 557058:270a1f96-cd27-4013-ade6-85df2ab9820c',
  'pullrequest_updated--title-or-commit':
    'ask for the rest: updated #1 ..f945c96 into master by 557058:270a1f96-cd27-4013-ade6-85df2ab9820c',
  'repo_commit_comment_created--commit-comment': 'ignored: repo:commit_comment_created starts nothing',
  'repo_commit_status_created--build-status': 'ignored: repo:commit_status_created starts nothing',
  'repo_commit_status_updated--build-status': 'ignored: repo:commit_status_updated starts nothing',
  'repo_fork--fork': 'ignored: repo:fork starts nothing',
  'repo_push--annotated-tag-created':
    'ask for the rest: tag test-tag 7ef5981 by 557058:270a1f96-cd27-4013-ade6-85df2ab9820c',
  'repo_push--branch-created-two-commits':
    'ask for the rest: push develop new..141977f by 557058:2a6349dc-4346-4805-bd84-3abdd0812d17',
  'repo_push--branch-created':
    'ask for the rest: push feature/test new..174561d by 557058:270a1f96-cd27-4013-ade6-85df2ab9820c',
  'repo_push--branch-deleted': 'ignored: branch feature/test was deleted',
  'repo_push--branch-updated': 'ask for the rest: push main a51241a..c14c1bb by 5cf8e3a9678ca90f8e7cc8a8',
  'repo_push--force-pushed-truncated':
    'ask for the rest: push feature/issue-819 a101992..5ecffa3 by 557058:270a1f96-cd27-4013-ade6-85df2ab9820c',
  'repo_push--tag-created': 'ask for the rest: tag simple-tag 7ef5981 by 557058:270a1f96-cd27-4013-ade6-85df2ab9820c',
  'repo_push--tag-deleted': 'ignored: tag test was deleted',
  'repo_updated--renamed': 'ignored: repo:updated starts nothing',
};

it.skipIf(withoutDeliveries)('has an expectation for every delivery (skipped without the collected deliveries)', () => {
  expect(deliveries.map(({ file }) => file).sort()).toEqual(Object.keys(meaning).sort());
});

it.skipIf(withoutDeliveries).each(deliveries)(
  'understands $file (skipped without the collected deliveries)',
  ({ file, headers, body }) => {
    expect(inWords(translate(headers['x-event-key'] ?? '', body))).toBe(meaning[file]);
  },
);

const actor = { uuid: '{a}', account_id: '1:a', nickname: 'admin', type: 'user' };
const repository = { uuid: '{r}', full_name: 'acme/web' };
const [one, two] = ['a', 'b'].map((digit) => digit.repeat(40));

function branch(name: string, hash: string | undefined) {
  return hash === undefined ? null : { type: 'branch', name, target: { hash, message: 'Say hello\n' } };
}

const body = {
  actor,
  repository,
  push: {
    changes: [
      { old: branch('main', one), new: branch('main', two) },
      { old: null, new: branch('topic', two) },
      { old: branch('old', one), new: null },
    ],
  },
};

it('finds every change of a push', () => {
  const events = eventsIn('repo:push', body);
  expect(events.map((event) => inWords(translate(event, body)))).toEqual([
    'ask for the rest: push main aaaaaaa..bbbbbbb by 1:a',
    'ask for the rest: push topic new..bbbbbbb by 1:a',
    'ignored: branch old was deleted',
  ]);
});

it('knows people by their account, not by a nickname that anybody may take', () => {
  const event = translate('repo:push', body);
  expect(event.type === 'incomplete' && event.known.actor).toEqual({ login: '1:a', id: '{a}' });
});

it('takes an update that moved neither head nor base for the event before it', () => {
  const pullrequest = (hash: string, base: string) => ({
    id: 7,
    source: { branch: { name: 'topic' }, commit: { hash } },
    destination: { branch: { name: base }, commit: { hash: 'ffffffffffff' } },
  });
  const keyOf = (event: string, hash: string, base = 'main') => {
    const known = translate(event, { actor, repository, pullrequest: pullrequest(hash, base) });
    return known.type === 'incomplete' ? known.key : undefined;
  };
  const opened = keyOf('pullrequest:created', 'aaaaaaaaaaaa');
  expect(keyOf('pullrequest:updated', 'aaaaaaaaaaaa')).toEqual(opened);
  expect(keyOf('pullrequest:updated', 'bbbbbbbbbbbb')).not.toEqual(opened);
  expect(keyOf('pullrequest:updated', 'aaaaaaaaaaaa', 'release')).not.toEqual(opened);
});
