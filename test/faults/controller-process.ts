import { pino } from 'pino';
import { z } from 'zod';
import { localPrograms } from '../../app/embedded/embedded-slipway.ts';
import { startSlipway } from '../../app/main.ts';
import { readTenantSettings } from '../../app/tenant-settings.ts';
import { gitHubSetup } from '../../providers/github/setup.ts';

/** One replica, to be killed: `node controller-process.ts <settings as JSON>`. All it needs is outside of it. */
const settingsSchema = z.object({
  dataDir: z.string(),
  replica: z.string(),
  host: z.string(),
  webhookPort: z.number(),
  agentPort: z.number(),
  agentAddress: z.string(),
  agentImage: z.string().optional(),
  images: z.record(z.string(), z.string()),
  databaseUri: z.string(),
  kubeconfig: z.string(),
  apiToken: z.string(),
  /** Where people reach all replicas; absent: nobody does. */
  url: z.string().optional(),
  github: z.object({
    appId: z.number(),
    privateKey: z.string(),
    webhookSecrets: z.array(z.string()),
    baseUrl: z.string(),
  }),
});
export type ControllerSettings = z.infer<typeof settingsSchema>;

const settings = settingsSchema.parse(JSON.parse(process.argv[2] ?? ''));
const poolSlots = 40;
// The commands speak to the recorder, which is no public address.
const tenants = readTenantSettings(`defaults: { egress: { allow: [${settings.agentAddress}/32] } }`, {
  path: 'settings',
  images: settings.images,
  poolSlots,
});
await startSlipway(
  {
    dataDir: settings.dataDir,
    replica: settings.replica,
    address: settings.host,
    listen: { host: settings.host, port: settings.webhookPort },
    agents: { host: settings.host, port: settings.agentPort, advertise: settings.agentAddress },
    database: { type: 'mongodb', uri: settings.databaseUri },
    kubeconfig: settings.kubeconfig,
    agentImage: settings.agentImage ?? 'slipway/agent',
    ...(settings.agentImage === undefined ? { agentPrograms: localPrograms(settings.dataDir) } : {}),
    images: settings.images,
    gitHosts: [gitHubSetup(settings.github)],
    ...(settings.agentImage === undefined ? {} : { tenants }),
    slots: { teamSlots: 40, poolSlots, ageAfterMs: 600_000 },
    apiToken: settings.apiToken,
    ...(settings.url === undefined ? {} : { url: settings.url }),
  },
  pino({ level: 'info' }, pino.destination(2)),
);
