import { join } from 'node:path';
import { Agent } from 'undici';
import { z } from 'zod';
import type { AttemptPod } from '../../engine/ports/pod-runner.ts';
import { succeeded } from '../engine/core/given-run.ts';
import { Child } from './child.ts';
import { createRun, sixStages, startEngine } from './engine.ts';
import { milliseconds, type Print, percentile } from './figures.ts';
import { inScratch, openStore } from './scratch.ts';

const runs = 200;
const goalMs = 50;
const listening = z.object({ port: z.number() });

/** From a stage's end told to the call that makes the next stage's pod. */
export async function benchNextPod(print: Print): Promise<void> {
  const inProcess = await delays(async () => undefined);
  const p99 = percentile(inProcess, 0.99);
  print({
    what: `stage finished to the next pod's call, ${runs} runs of 6 stages at once`,
    measured: `p50 ${milliseconds(percentile(inProcess, 0.5))}, p99 ${milliseconds(p99)}`,
    goal: { text: `p99 <= ${goalMs} ms`, isMet: p99 <= goalMs },
  });

  const echo = Child.start(join(import.meta.dirname, 'echo-server.ts'));
  const { port } = listening.parse(await echo.said());
  const dispatcher = new Agent({ connections: 64 });
  const overHttp = await delays(async (pod) => {
    const { body } = await dispatcher.request({
      origin: `http://127.0.0.1:${port}`,
      path: '/pods',
      method: 'POST',
      body: JSON.stringify(pod),
    });
    await body.dump();
  });
  print({
    what: 'the same, each pod a request to an echo server',
    measured: `p50 ${milliseconds(percentile(overHttp, 0.5))}, p99 ${milliseconds(percentile(overHttp, 0.99))}`,
  });
  await dispatcher.close();
  await echo.end();
}

/** @returns a delay in ms for each stage that came after another */
async function delays(create: (pod: AttemptPod) => Promise<void>): Promise<readonly number[]> {
  return inScratch(async (folder) => {
    const database = openStore(folder);
    const ended = new Map<string, number>();
    const samples: number[] = [];
    let open = runs;
    const allDone = Promise.withResolvers<void>();
    const needsOf = new Map(sixStages.map(({ name, needs }) => [name, needs]));
    const loop = await startEngine(database, async (pod) => {
      const called = performance.now();
      const needs = (needsOf.get(pod.stage) ?? []).map((need) => ended.get(`${pod.runId}/${need}`) ?? 0);
      if (needs.length > 0) samples.push(called - Math.max(...needs));
      await create(pod);
      await loop.send(pod.runId, { type: 'StartStage', stage: pod.stage, attempt: pod.attempt });
      ended.set(`${pod.runId}/${pod.stage}`, performance.now());
      await loop.send(pod.runId, { type: 'RecordResult', stage: pod.stage, attempt: pod.attempt, result: succeeded });
    });
    loop.onChange(({ run }) => {
      if (run.outcome === undefined) return;
      open -= 1;
      if (open === 0) allDone.resolve();
    });
    await Promise.all(Array.from({ length: runs }, (_, index) => createRun(loop, `run${index}`)));
    await allDone.promise;
    await database.close();
    return samples;
  });
}
