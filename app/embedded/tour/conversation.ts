import { join } from 'node:path';
import { WorkingCopy } from '../working-copy.ts';
import type { SampleChange } from './sample-changes.ts';
import type { TourHost, TourPeople, TourPerson } from './tour-host.ts';
import { eventually, expectOutcome, found, pageOf, pageOrNothing, type RunsSeen, TourError } from './watch.ts';

/** The heading of a prompt: the comment that tells the whole story may say that it waits before one can be answered. */
const prompted = /^### 🖐️ [^\s:]+ waits for approval/m;

/** The changes that the second half of the tour makes. */
export interface ConversationChanges {
  /** Mends the service, and asks for consent to deploys from now on. */
  readonly askConsent: SampleChange;
  readonly theirs: SampleChange;
  readonly urgent: SampleChange;
}

/**
 * Walks through what people say in pull requests: consent to a deploy, a stranger who has none to give, the way back, a
 * fork, and a hotfix. @throws TourError
 */
export async function walkConversation(tour: {
  readonly host: TourHost;
  readonly people: TourPeople;
  readonly changes: ConversationChanges;
  readonly folder: string;
  /** The developer's clone, on a main that is up to date. */
  readonly copy: WorkingCopy;
  readonly runs: RunsSeen;
  /** Where the service answers. */
  readonly url: string;
  readonly say: (line: string) => void;
}): Promise<void> {
  const { host, people, changes, copy, runs, url, say } = tour;
  const { developer, reviewer, contributor } = people;
  const command = (text: string) => `${host.commandPrefix}${text}`;
  const heard = new Set<string>();
  const asks = async (person: TourPerson, number: number, text: string) => {
    for (const body of await host.comments(number)) heard.add(body);
    say(`   ${person.login}: ${command(text)}`);
    await host.comment(person, number, command(text));
  };
  /** Waits until Slipway says it, in words that were not there when it was last asked. */
  const hears = async (number: number, words: RegExp) => {
    const [answer = ''] = await found(`an answer that says ${words}`, async () =>
      (await host.comments(number)).filter((body) => !heard.has(body) && words.test(body)),
    );
    say(`   Slipway: ${sentenceOf(answer, words)}`);
  };

  say('6. From now on production asks: nobody consents to a change of their own');
  const mended = await copy.push(changes.askConsent.branch, changes.askConsent.files, changes.askConsent.message);
  const number = await host.openPullRequest(changes.askConsent);
  expectOutcome(await runs.ended(mended), 'SUCCEEDED');
  const before = await pageOf(url);
  const merged = await host.merge(number, mended);
  await hears(number, prompted);
  await asks(developer, number, 'approve production');
  await hears(number, /author/i);
  await asks(reviewer, number, 'approve production');
  expectOutcome(await runs.ended(merged), 'SUCCEEDED');
  await eventually('the new version to answer', async () => !['', before].includes(await pageOrNothing(url)));

  say('7. A stranger asks for the way back, and somebody who may');
  const live = await pageOf(url);
  await asks(contributor, number, 'rollback production');
  await hears(number, /needs the right to write/);
  if ((await pageOf(url)) !== live) throw new TourError('A stranger moved production');
  await asks(reviewer, number, 'rollback production');
  await hears(number, /Confirm/);
  await asks(reviewer, number, 'confirm');
  await eventually('production to be back', async () => (await pageOrNothing(url)) === before);
  await eventually('the run that went back to end', async () => runs.isQuiet());

  say('8. A fork runs nothing until somebody lets exactly this head go');
  await host.fork(contributor);
  const fork = await WorkingCopy.create(join(tour.folder, 'fork'), {
    ...contributor,
    url: host.cloneUrl(contributor.login),
    email: `${contributor.login}@example.com`,
  });
  await fork.git('fetch', '--quiet', 'origin', 'main');
  await fork.git('checkout', '--quiet', '-B', 'main', 'origin/main');
  const theirs = await fork.push(changes.theirs.branch, changes.theirs.files, changes.theirs.message);
  const forked = await host.openPullRequest(changes.theirs, contributor);
  await eventually('the question whether the fork may run', () => host.asksForConsent(forked, theirs));
  await asks(reviewer, forked, 'ok-to-test');
  await hears(forked, new RegExp(`ok-to-test ${theirs}`));
  await asks(contributor, forked, `ok-to-test ${theirs}`);
  await hears(forked, /needs the right to write/);
  if (runs.hasEnded(theirs)) throw new TourError("A fork's run went unasked");
  await asks(reviewer, forked, `ok-to-test ${theirs}`);
  expectOutcome(await runs.ended(theirs), 'SUCCEEDED');

  say('9. A hotfix goes ahead of all that waits');
  await copy.pullMain();
  const urgent = await copy.push(changes.urgent.branch, changes.urgent.files, changes.urgent.message);
  const hotfix = await host.openPullRequest(changes.urgent);
  if (await host.label(developer, hotfix, 'hotfix')) say(`   ${developer.login} puts the label "hotfix" on`);
  else await asks(developer, hotfix, 'hotfix the greeting is gone');
  expectOutcome(await runs.ended(urgent), 'SUCCEEDED');
  const shipped = await host.merge(hotfix, urgent);
  await hears(hotfix, prompted);
  await asks(reviewer, hotfix, 'approve production');
  const run = await runs.ended(shipped);
  expectOutcome(run, 'SUCCEEDED');
  if (run.lane !== 'hotfix') throw new TourError(`The hotfix went by the lane ${run.lane}`);
  say(`   It went by the lane "${run.lane}"`);
  await eventually('green checks on it', async () => (await host.openOrRedChecks(shipped)).length === 0);
}

/** The sentence that says it, without its marks. */
function sentenceOf(body: string, words: RegExp): string {
  const line = body.split('\n').find((each) => words.test(each)) ?? '';
  return line.replaceAll(/@\{[^}]*\}(?:: )?|\\(?=[^\w\s])|[#*`\u200b]/g, '').trim();
}
