import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { CoreV1Api } from '@kubernetes/client-node';
import { pino } from 'pino';
import { z } from 'zod';
import { startSlipway } from '../../../app/main.ts';
import { gitHubSetup } from '../../../providers/github/setup.ts';
import { tell } from '../child.ts';

/** What a controller of the benchmark is told. */
const settingsSchema = z.object({
  dataDir: z.string(),
  replica: z.string(),
  port: z.number(),
  agentPort: z.number(),
  agentAddress: z.string(),
  agentImage: z.string(),
  images: z.record(z.string(), z.string()),
  mongodb: z.string().optional(),
  kubeconfig: z.string(),
  github: z.object({ appId: z.number(), privateKey: z.string(), secret: z.string(), baseUrl: z.string() }),
});
export type ControllerSettings = z.infer<typeof settingsSchema>;

/** What it tells, in batches. */
export const toldSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), url: z.string() }),
  z.object({ type: z.literal('facts'), facts: z.array(z.unknown()) }),
  z.object({ type: z.literal('log'), line: z.unknown() }),
]);
export const factSchema = z.discriminatedUnion('type', [
  /** A stage got its slot; when its pod was asked for follows. */
  z.object({ type: z.literal('granted'), runId: z.string(), stage: z.string(), podName: z.string(), at: z.number() }),
  z.object({ type: z.literal('issued'), podName: z.string(), at: z.number() }),
  z.object({ type: z.literal('accepted'), podName: z.string(), at: z.number() }),
  z.object({ type: z.literal('ended'), runId: z.string(), outcome: z.string(), at: z.number() }),
  z.object({ type: z.literal('stage-failed'), runId: z.string(), stage: z.string(), why: z.string() }),
]);
export type Fact = z.infer<typeof factSchema>;

const tellEveryMs = 50;

if (process.argv[1] === import.meta.filename) await main();

// A benchmark that ended needs no controller.
process.on('disconnect', () => process.exit(1));
// By its own exit, at which Node writes the profile that it may have been asked for.
process.on('SIGTERM', () => process.exit(0));

/** Slipway as it is installed, in a process of its own that tells the benchmark what only it can know. */
async function main(): Promise<void> {
  const settings = settingsSchema.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));
  let facts: Fact[] = [];
  setInterval(() => {
    if (facts.length > 0) tell({ type: 'facts', facts });
    facts = [];
  }, tellEveryMs);
  timeCreates((fact) => facts.push(fact));
  const log = pino(
    { level: 'info' },
    {
      write(line: string) {
        tell({ type: 'log', line: JSON.parse(line) });
      },
    },
  );
  const { github } = settings;
  const unlimited = Number.POSITIVE_INFINITY;
  const slipway = await startSlipway(
    {
      dataDir: settings.dataDir,
      replica: settings.replica,
      address: '127.0.0.1',
      listen: { host: '127.0.0.1', port: settings.port },
      agents: { host: '0.0.0.0', port: settings.agentPort, advertise: settings.agentAddress },
      database:
        settings.mongodb === undefined
          ? { type: 'embedded', file: join(settings.dataDir, 'slipway.db') }
          : { type: 'mongodb', uri: settings.mongodb },
      kubeconfig: settings.kubeconfig,
      agentImage: settings.agentImage,
      images: settings.images,
      gitHosts: [
        gitHubSetup({
          appId: github.appId,
          privateKey: github.privateKey,
          webhookSecrets: [github.secret],
          baseUrl: github.baseUrl,
        }),
      ],
      slots: { teamSlots: unlimited, poolSlots: unlimited, ageAfterMs: 600_000 },
      apiToken: github.secret,
    },
    log,
  );
  slipway.loop.onChange(({ run, events }) => {
    const { runId } = run;
    for (const event of events) {
      if (event.type === 'StageScheduled')
        facts.push({ type: 'granted', runId, stage: event.stage, podName: event.podName, at: Date.now() });
      if (event.type === 'StageFailed')
        facts.push({ type: 'stage-failed', runId, stage: event.stage, why: JSON.stringify(event.cause) });
      if (event.type === 'RunFinished') facts.push({ type: 'ended', runId, outcome: event.outcome, at: Date.now() });
    }
  });
  tell({ type: 'ready', url: slipway.url });
  // Usually kept at the end of a process, which this one may not live to see.
  flushCompileCache();
}

function timeCreates(told: (fact: Fact) => void): void {
  const create = CoreV1Api.prototype.createNamespacedPod;
  CoreV1Api.prototype.createNamespacedPod = async function timed(...given) {
    const podName = given[0].body.metadata?.name ?? '';
    told({ type: 'issued', podName, at: Date.now() });
    const made = await create.apply(this, given);
    told({ type: 'accepted', podName, at: Date.now() });
    return made;
  };
}
