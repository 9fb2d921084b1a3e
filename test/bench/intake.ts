import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { z } from 'zod';
import { Sha } from '../../engine/core/trigger.ts';
import { bitbucketShape, giteaShape, gitHubShape, gitLabShape, type HostShape } from '../providers/host-shapes.ts';
import { type Signing, signedHeaders } from '../providers/signing.ts';
import { Child } from './child.ts';
import type { Print } from './figures.ts';
import { inScratch } from './scratch.ts';

const connections = 16;
const seconds = 4;
const bodyBytes = 8_192;
const goal = 0.9;
const rounds = 2;
/** Proven before the clock runs: signing one of GitLab takes the sender longer than sending it. */
const prepared = 80_000;
const listening = z.object({ port: z.number() });

/** Each as its host sends and proves it. */
const hosts: readonly { readonly shape: HostShape; readonly signing: Signing }[] = [
  { shape: gitHubShape, signing: 'github' },
  { shape: gitLabShape, signing: 'gitlab' },
  { shape: gitLabShape, signing: 'gitlab-token' },
  { shape: bitbucketShape, signing: 'bitbucket' },
  { shape: giteaShape, signing: 'gitea' },
];
type Sent = (typeof hosts)[number];
const gitHub: Sent = { shape: gitHubShape, signing: 'github' };

/** Signed pushes of 8 kB to their durable acknowledgement, for each host, against the least that could do the same. */
export async function benchIntake(print: Print): Promise<void> {
  const best = new Map<string, number>();
  const runs: readonly (readonly [string, Sent])[] = [
    ['bare', gitHub],
    ...hosts.map((sent) => ['paused', sent] as const),
    ['working', gitHub],
  ];
  // In turns, so that what else the machine does weighs on all alike.
  for (let round = 0; round < rounds; round += 1) {
    for (const [mode, sent] of runs) {
      const key = `${mode} ${sent.signing}`;
      best.set(key, Math.max(best.get(key) ?? 0, await perSecond(mode, sent)));
    }
  }
  const rateOf = (key: string) => best.get(key) ?? Number.NaN;
  const rate = (value: number) => `${Math.round(value).toLocaleString('en')}/s`;
  const floor = rateOf('bare github');
  for (const { signing } of hosts) {
    const measured = rateOf(`paused ${signing}`);
    print({
      what: `webhook intake, ${signing}, 8 kB, ${connections} connections, workers paused`,
      measured: `${rate(measured)}, floor ${rate(floor)}, ratio ${(measured / floor).toFixed(2)}`,
      goal: { text: `ratio >= ${goal}`, isMet: measured / floor >= goal },
    });
  }
  print({ what: 'the same of github, workers making a run of each', measured: rate(rateOf('working github')) });
}

async function perSecond(mode: string, { shape, signing }: Sent): Promise<number> {
  return inScratch(async (folder) => {
    const secret = signing === 'gitlab' ? `whsec_${Buffer.from(randomUUID()).toString('base64')}` : randomUUID();
    const server = Child.start(join(import.meta.dirname, 'intake-server.ts'), mode, folder, secret, shape.provider);
    const { port } = listening.parse(await server.said());
    const { event, body } = push(shape);
    const at = new Date();
    const proofs = Array.from({ length: prepared }, () => {
      // autocannon tells the length by itself; told twice, the request is no HTTP.
      const { 'content-length': _, ...headers } = signedHeaders(signing, secret, body, { id: randomUUID(), event, at });
      return headers;
    });
    const result = await autocannon({
      url: `http://127.0.0.1:${port}`,
      connections,
      duration: seconds,
      requests: [
        {
          method: 'POST',
          path: `/webhooks/${shape.provider}`,
          body,
          setupRequest: (request) => {
            const headers = proofs.pop();
            if (headers === undefined) throw new RangeError(`More than ${prepared} were sent: prepare more`);
            return { ...request, headers };
          },
        },
      ],
    });
    await server.end();
    if (result.non2xx > 0 || result.errors > 0 || result['2xx'] === 0)
      throw new Error(`${mode} ${signing}: ${result.non2xx} refusals, ${result.errors} errors`);
    return result['2xx'] / result.duration;
  });
}

/** A push to main as the host tells it, filled up with a long message. */
function push(shape: HostShape): { readonly event: string; readonly body: Buffer } {
  const told = (message: string) => {
    const move = { kind: 'branch', name: 'main', before: shaOf('b'), after: shaOf('c'), message } as const;
    const [event, body] = shape.pushed([move])[0] ?? ['', {}];
    return { event, text: JSON.stringify(body) };
  };
  const { event, text } = told('x'.repeat(bodyBytes - told('').text.length));
  return { event, body: Buffer.from(text) };
}

function shaOf(digit: string): Sha {
  return Sha(digit.repeat(40));
}
