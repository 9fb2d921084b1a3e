import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openEmbeddedDatabase } from '../../../app/embedded/database/embedded-database.ts';
import type { Delivery } from '../../../app/intake/inbox.ts';
import { KnownRefs } from '../../../app/intake/known-refs.ts';
import { missedHostEvent } from '../../../app/intake/missed-event.ts';
import { SweepMissedEvents } from '../../../app/jobs/sweep-missed-events.ts';
import { Sha, type Trigger } from '../../../engine/core/trigger.ts';
import type { GitHostWorld } from '../../contract/git-host.ts';
import { bitbucketWorld } from '../../providers/bitbucket/world.ts';
import { gitHubWorld } from '../../providers/github/world.ts';
import { gitLabFaceWorld } from '../../providers/gitlab/face-world.ts';
import { commitFile, git, temporaryFolder } from '../embedded/git-host/running-host.ts';

const minute = 60_000;
type World = GitHostWorld & { readonly clone: string };
const worlds: readonly (readonly [string, () => Promise<World>])[] = [
  ['GitHub', gitHubWorld],
  ['GitLab', gitLabFaceWorld],
  ['Bitbucket', bitbucketWorld],
];

/** What is known and the sweep over a real adapter, in time that the test sets; what is found is run at once. */
async function sweeping({ host, repository, baseSha }: World) {
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const file = join(await temporaryFolder(), 'slipway.db');
  const database = openEmbeddedDatabase({ file, onFatal: onError });
  onTestFinished(() => database.close());
  let now = Date.UTC(2026, 0, 1);
  const refs = new KnownRefs({ database, clock: { now: () => new Date(now) } });
  await refs.prepare();
  const found: string[] = [];
  const run = async (trigger: Trigger, delivery: string) => {
    await refs.saw(trigger, delivery);
    const what = trigger.type === 'tag' ? trigger.tag : 'headRef' in trigger ? trigger.headRef : trigger.branch;
    found.push(`${trigger.type} ${what} ${trigger.headSha}`);
  };
  const take = async ({ id, body }: Delivery) => {
    const event = missedHostEvent(JSON.parse(body));
    if (event.type !== 'incomplete') throw new TypeError(`the sweep handed in ${event.type}`);
    const news = await refs.news(event, id, host);
    if ('trigger' in news) await run(news.trigger, id);
  };
  const by = { login: 'ann', id: '3' };
  const start = { repository, defaultBranch: 'main', actor: by, title: 'Start', headSha: baseSha, branch: 'main' };
  await refs.news({ type: 'trigger', trigger: { type: 'push', ...start } }, 'told', host);
  const pace = { everyMs: 10 * minute, againMs: minute, perTenant: 1 };
  const sweep = new SweepMissedEvents({ refs, hosts: () => host, take, pace, onError });
  await sweep.sweepDue();
  return {
    errors,
    /** What two looks find. */
    async look(): Promise<readonly string[]> {
      found.length = 0;
      for (const passed of [10 * minute, minute]) {
        now += passed;
        await sweep.sweepDue();
      }
      return found;
    },
  };
}

it.each(worlds)('finds on %s what was pushed, tagged and merged untold, once', async (_, make) => {
  const world = await make();
  const { look, errors } = await sweeping(world);
  expect(await look()).toEqual([]);
  const head = Sha(await commitFile(world.clone, 'c.txt', 'newer\n', 'More'));
  await git(world.clone, 'push', '--quiet', 'origin', 'topic');
  await world.tag('v1');
  const found = await look();
  expect([...found].sort()).toEqual([`pull_request topic ${head}`, `push topic ${head}`, `tag v1 ${head}`]);
  expect(await look()).toEqual([]);
  await world.merge();
  const main = await world.host.branchHead(world.repository, 'main');
  expect([...(await look())].sort()).toEqual([`pull_request topic ${head}`, `push main ${main}`]);
  expect(await look()).toEqual([]);
  expect(errors).toEqual([]);
});
