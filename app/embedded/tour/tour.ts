import { join } from 'node:path';
import type { RunChange } from '../../../engine/run-loop.ts';
import { WorkingCopy } from '../working-copy.ts';
import { type ConversationChanges, walkConversation } from './conversation.ts';
import type { SampleChange } from './sample-changes.ts';
import type { TourHost, TourPeople } from './tour-host.ts';
import {
  deployedUrl,
  eventually,
  expectOutcome,
  expectPage,
  firstLine,
  found,
  pageOf,
  pageOrNothing,
  RunsSeen,
  TourError,
} from './watch.ts';

/** The changes that the tour makes to the sample. */
export interface TourChanges {
  readonly sample: Readonly<Record<string, string>>;
  readonly failingTest: SampleChange;
  readonly fix: SampleChange;
  readonly neverReady: SampleChange;
  readonly conversation: ConversationChanges;
}

export interface Tour {
  readonly host: TourHost;
  readonly people: TourPeople;
  readonly changes: TourChanges;
  readonly folder: string;
  readonly onChange: (listener: (change: RunChange) => void) => void;
  readonly say: (line: string) => void;
}

/** Walks a newcomer through a delivery: green, red with the line, fixed, merged and deployed, rolled back. Throws TourError. */
export async function walkTour({ host, people, changes, folder, onChange, say }: Tour): Promise<void> {
  const { developer } = people;
  const runs = new RunsSeen(onChange);
  const copy = await WorkingCopy.create(join(folder, 'tour'), {
    ...developer,
    url: host.cloneUrl(host.owner),
    email: `${developer.login}@example.com`,
  });

  say('1. A first push to main: test, package, deploy');
  const first = await copy.push('main', changes.sample, 'A small web service');
  const shipped = await runs.ended(first);
  expectOutcome(shipped, 'SUCCEEDED');
  await eventually(
    'checks on the first commit to be green',
    async () => (await host.openOrRedChecks(first)).length === 0,
  );
  const url = deployedUrl(shipped);
  await expectPage(url, 200);
  say(`   It answers at ${url}`);

  say(`2. A pull request with a failing test: "${changes.failingTest.title}"`);
  const red = await copy.push(changes.failingTest.branch, changes.failingTest.files, changes.failingTest.message);
  const number = await host.openPullRequest(changes.failingTest);
  expectOutcome(await runs.ended(red), 'FAILED');
  const [place] = await found('something that points at the failing line', () => host.failingPlaces(number, red));
  say(`   The ${place?.by} points at ${place?.path}:${place?.line}`);

  say('3. A push that fixes it');
  const green = await copy.push(changes.fix.branch, changes.fix.files, changes.fix.message);
  expectOutcome(await runs.ended(green), 'SUCCEEDED');
  await eventually('green checks on the fix', async () => (await host.openOrRedChecks(green)).length === 0);
  const [comment] = await found('the comment to say that all is well', async () =>
    (await host.comments(number)).filter((body) => body.includes('✅ All')),
  );
  say(`   One comment tells the story: ${firstLine(comment ?? '')}`);

  say('4. The merge deploys it');
  const before = await pageOf(url);
  const merged = await host.merge(number, green);
  expectOutcome(await runs.ended(merged), 'SUCCEEDED');
  await eventually('the new version to answer', async () => !['', before].includes(await pageOrNothing(url)));
  const live = await pageOf(url);

  say(`5. A version that never gets ready: "${changes.neverReady.title}"`);
  await copy.pullMain();
  const sick = await copy.push(changes.neverReady.branch, changes.neverReady.files, changes.neverReady.message);
  const second = await host.openPullRequest(changes.neverReady);
  expectOutcome(await runs.ended(sick), 'SUCCEEDED');
  const broken = await host.merge(second, sick);
  expectOutcome(await runs.ended(broken), 'ROLLED_BACK');
  if ((await pageOf(url)) !== live) throw new TourError('After the rollback the service does not answer as before');
  say(`   Rolled back by itself; ${url} answers as before`);
  await eventually(
    'all checks on the last commit to be completed',
    async () => (await host.openOrRedChecks(broken)).length > 0 && (await host.failedChecks(broken)).length > 0,
  );

  await copy.pullMain();
  await walkConversation({ host, people, changes: changes.conversation, folder, copy, runs, url, say });
}
