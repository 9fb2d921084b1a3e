import type { EmbeddedGitHost } from '../../app/embedded/git-host/git-host.ts';
import type { WorkingCopy } from '../../app/embedded/working-copy.ts';
import type { Slipway } from '../../app/main.ts';
import { startWhole } from '../app/whole-slipway.ts';
import { milliseconds, type Print, percentile } from './figures.ts';
import { inScratch } from './scratch.ts';

const samples = 15;
const goalMs = 400;
const goalRequests = 15;
const oneStage = 'stages:\n  test:\n    commands: ["true"]\n';
const sixStages = `stages:
  a: { commands: ["true"] }
  b1: { needs: [a], commands: ["true"] }
  b2: { needs: [a], commands: ["true"] }
  b3: { needs: [a], commands: ["true"] }
  b4: { needs: [a], commands: ["true"] }
  c: { needs: [b1, b2, b3, b4], commands: ["true"] }
`;

/** Whole Slipway on this machine: a real push to its completed checks, and what it asks of the Git host. */
export async function benchOwnTime(print: Print): Promise<void> {
  await inScratch(async (folder) => {
    const { slipway, host, copy, stop } = await startWhole(folder);
    const times: number[] = [];
    for (let count = 0; count < samples; count += 1) {
      const { ms } = await pushAndWait(slipway, host, copy, oneStage);
      // The first run also warms the machine's caches, as the first of a day does.
      if (count > 0) times.push(ms);
    }
    const p50 = percentile(times, 0.5);
    print({
      what: 'one-stage run: push received to check completed',
      measured: `p50 ${milliseconds(p50)}, p99 ${milliseconds(percentile(times, 0.99))}`,
      goal: { text: `p50 <= ${goalMs} ms`, isMet: p50 <= goalMs },
    });
    const { requests, byRoute } = await pushAndWait(slipway, host, copy, sixStages);
    print({
      what: 'requests to the Git host, a run of 6 stages',
      measured: `${requests} (${Object.entries(byRoute)
        .map(([route, count]) => `${count} ${route.replace('/repos/:owner/:repo', '')}`)
        .join(', ')})`,
      goal: { text: `<= ${goalRequests}`, isMet: requests <= goalRequests },
    });
    await stop();
  });
}

/** @returns the time from the delivery's arrival until all is shown at the host, and the requests it took */
async function pushAndWait(slipway: Slipway, host: EmbeddedGitHost, copy: WorkingCopy, pipeline: string) {
  const received = Promise.withResolvers<number>();
  const ended = Promise.withResolvers<void>();
  let isOver = false;
  slipway.loop.onChange(({ run }) => {
    if (run.outcome === undefined || isOver) return;
    isOver = true;
    ended.resolve();
  });
  const take = slipway.inbox.take.bind(slipway.inbox);
  slipway.inbox.take = (delivery) => {
    received.resolve(performance.now());
    return take(delivery);
  };
  host.requests.reset();
  await copy.push('main', { '.slipway.yaml': pipeline }, 'Change the pipeline');
  await ended.promise;
  await slipway.shown();
  const ms = performance.now() - (await received.promise);
  slipway.inbox.take = take;
  return { ms, requests: host.requests.total, byRoute: host.requests.byRoute() };
}
