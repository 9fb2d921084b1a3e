import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pullRequestWorld } from '../app/conversation/pull-request-world.ts';
import { milliseconds, type Print, percentile } from './figures.ts';

const commands = 100;
/**
 * A command costs some 18 of the 900 points that GitHub allows in a minute: two reactions, a reply, and what is looked up.
 * Sent faster than that, it is the host's limit that is waited for.
 */
const everyMs = 1_500;
const lookMs = 5;
const goalMs = 1_000;

/** From a comment with a command to Slipway's first reaction on it, at the embedded Git host. */
export async function benchFirstReaction(print: Print): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-reaction-'));
  const world = await pullRequestWorld(folder);
  const samples: number[] = [];
  try {
    await world.whole.copy.push('main', { 'README.md': 'Begin\n' }, 'Begin');
    const { number } = await world.open('topic', { '.slipway.yaml': 'stages: { test: { commands: ["true"] } }\n' });
    for (let index = 0; index < commands; index += 1) {
      const begin = performance.now();
      const id = await world.comment(number, 'dev', '/help');
      for (;;) {
        const reactions = await world.ask('GET', `/issues/comments/${id}/reactions`, 'dev');
        if (Array.isArray(reactions) && reactions.length > 0) break;
        await new Promise((resolve) => setTimeout(resolve, lookMs));
      }
      samples.push(performance.now() - begin);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, begin + everyMs - performance.now())));
    }
  } finally {
    await world.whole.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
  const p99 = percentile(samples, 0.99);
  print({ what: `command to first reaction, p50 of ${commands}`, measured: milliseconds(percentile(samples, 0.5)) });
  print({
    what: `command to first reaction, p99 of ${commands}`,
    measured: milliseconds(p99),
    goal: { text: '<= 1 s', isMet: p99 <= goalMs },
  });
}
