import { createHmac, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { z } from 'zod';
import { Child } from './child.ts';
import type { Print } from './figures.ts';
import { inScratch } from './scratch.ts';

const connections = 16;
const seconds = 4;
const bodyBytes = 8_192;
const goal = 0.9;
const rounds = 2;
const listening = z.object({ port: z.number() });

/** Signed pushes of 8 kB to their durable acknowledgement, against the least that could do the same. */
export async function benchIntake(print: Print): Promise<void> {
  const best = { bare: 0, paused: 0, working: 0 };
  // In turns, so that what else the machine does weighs on all alike.
  for (let round = 0; round < rounds; round += 1) {
    for (const mode of ['bare', 'paused', 'working'] as const) best[mode] = Math.max(best[mode], await perSecond(mode));
  }
  const ratio = best.paused / best.bare;
  const rate = (value: number) => `${Math.round(value).toLocaleString('en')}/s`;
  print({
    what: `webhook intake, 8 kB, ${connections} connections, workers paused`,
    measured: `${rate(best.paused)}, floor ${rate(best.bare)}, ratio ${ratio.toFixed(2)}`,
    goal: { text: `ratio >= ${goal}`, isMet: ratio >= goal },
  });
  print({ what: 'the same, workers making a run of each', measured: rate(best.working) });
}

async function perSecond(mode: string): Promise<number> {
  return inScratch(async (folder) => {
    const secret = randomUUID();
    const server = Child.start(join(import.meta.dirname, 'intake-server.ts'), mode, folder, secret);
    const { port } = listening.parse(await server.said());
    const body = push();
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
    const result = await autocannon({
      url: `http://127.0.0.1:${port}`,
      connections,
      duration: seconds,
      requests: [
        {
          method: 'POST',
          path: '/webhooks/github',
          body,
          setupRequest: (request) => ({
            ...request,
            headers: {
              'content-type': 'application/json',
              'x-github-event': 'push',
              'x-hub-signature-256': signature,
              'x-github-delivery': randomUUID(),
            },
          }),
        },
      ],
    });
    await server.end();
    if (result.non2xx > 0 || result.errors > 0)
      throw new Error(`${mode}: ${result.non2xx} refusals, ${result.errors} errors`);
    return result['2xx'] / result.duration;
  });
}

/** As GitHub sends it, filled up with a long message. */
function push(): string {
  const sha = 'c'.repeat(40);
  const facts = {
    ref: 'refs/heads/main',
    before: 'b'.repeat(40),
    after: sha,
    created: false,
    deleted: false,
    forced: false,
    installation: { id: 1 },
    repository: { id: 7, name: 'web', full_name: 'acme/web', default_branch: 'main' },
    sender: { login: 'dev', id: 3 },
    head_commit: { id: sha, message: '' },
  };
  facts.head_commit.message = 'x'.repeat(bodyBytes - JSON.stringify(facts).length);
  return JSON.stringify(facts);
}
