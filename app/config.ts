import { join } from 'node:path';
import { z } from 'zod';
import type { SlotRules } from '../engine/core/schedule.ts';
import type { SettingsOfTenant } from '../engine/core/tenant.ts';
import { EngineError } from '../engine/ports/errors.ts';
import type { GitHostSetup } from '../providers/git-host-setup.ts';

/** How long logs, and artifacts that nobody needs any more, are kept. */
export interface Retention {
  readonly logMs: number;
  readonly artifactMs: number;
}

const dayMs = 24 * 3_600_000;
const days = z.coerce
  .number()
  .int()
  .min(1)
  .max(36_500)
  .transform((count) => count * dayMs);
const [logDays, artifactDays] = [90, 30];
export const defaultRetention: Retention = { logMs: logDays * dayMs, artifactMs: artifactDays * dayMs };

/** All settings of a running Slipway. */
export interface Config {
  readonly dataDir: string;
  readonly replica: string;
  /** Host under which other replicas reach this one. */
  readonly address?: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** Where agents connect to, and the address that pods are told. */
  readonly agents: { readonly host: string; readonly port: number; readonly advertise?: string };
  readonly database:
    | { readonly type: 'embedded'; readonly file: string }
    | { readonly type: 'mongodb'; readonly uri: string };
  readonly kubeconfig: string;
  readonly agentImage: string;
  /** Stated where the cluster's network enforces policies: stages' commands then wait until it does. */
  readonly networkPolicies?: 'enforced';
  /** What tenants' stages may use and reach; absent: bounds that nobody notices. */
  readonly tenants?: SettingsOfTenant;
  /** What stands in for images that deploys name: a mirror, or this organisation's own `node:24`. */
  readonly images?: Readonly<Record<string, string>>;
  /** How pods start Slipway's own programs; absent where the agent's image does it by itself. */
  readonly agentPrograms?: { readonly agent: readonly string[]; readonly fetchArtifact: readonly string[] };
  /** None where no host is listened to: a run of a working tree. */
  readonly gitHosts: readonly GitHostSetup[];
  readonly slots: SlotRules;
  /** How long what stages leave behind is kept; absent: as `defaultRetention` says. */
  readonly retention?: Retention;
  readonly apiToken: string;
  /** Where people and Git hosts reach Slipway, without a slash at its end; absent where nobody but this machine does. */
  readonly url?: string;
  /** What stored secrets are encrypted with, the newest first; absent: none can be stored. */
  readonly encryptionKeys?: readonly string[];
}

const slotNumber = z.union([
  z.literal('unlimited').transform(() => Number.POSITIVE_INFINITY),
  z.coerce.number().int().min(1),
]);

/** `node:24=registry.example/node:24 golang:1=...` */
const imageMap = z.string().transform((text, context) => {
  const pairs = text.split(/\s+/).filter((pair) => pair !== '');
  const broken = pairs.find((pair) => !/^[^=]+=[^=]+$/.test(pair));
  if (broken !== undefined) context.addIssue(`"${broken}" is not of the form image=replacement`);
  return Object.fromEntries(pairs.map((pair) => [pair.split('=')[0] ?? '', pair.split('=')[1] ?? '']));
});

/** https, or plain http on this machine alone: sessions and secrets go over it. */
const publicUrl = z
  .url({ protocol: /^https?$/ })
  .refine((text) => isSafeUrl(text), 'has to be https, or http on 127.0.0.1 or localhost')
  .transform((text) => text.replace(/\/+$/, ''));

const environmentSchema = z.object({
  SLIPWAY_HOST: z.string().default('127.0.0.1'),
  SLIPWAY_PORT: z.coerce.number().int().min(0).max(65_535).default(7300),
  SLIPWAY_AGENT_PORT: z.coerce.number().int().min(0).max(65_535).default(7301),
  SLIPWAY_AGENT_ADDRESS: z.string().optional(),
  SLIPWAY_AGENT_IMAGE: z.string().default('slipway/agent'),
  SLIPWAY_IMAGES: imageMap.default({}),
  SLIPWAY_NETWORK_POLICIES: z.literal('enforced').optional(),
  SLIPWAY_SETTINGS: z.string().min(1).optional(),
  SLIPWAY_KUBECONFIG: z.string().min(1).optional(),
  SLIPWAY_API_TOKEN: z.string().min(32).optional(),
  SLIPWAY_REPLICA_ADDRESS: z.string().min(1).optional(),
  SLIPWAY_PUBLIC_URL: publicUrl.optional(),
  SLIPWAY_ENCRYPTION_KEY: z.string().min(1).optional(),
  SLIPWAY_REPLICA: z.string().min(1).optional(),
  SLIPWAY_LOG_DAYS: days.default(defaultRetention.logMs),
  SLIPWAY_ARTIFACT_DAYS: days.default(defaultRetention.artifactMs),
  SLIPWAY_TEAM_SLOTS: slotNumber.default(4),
  SLIPWAY_POOL_SLOTS: slotNumber.default(40),
  MONGODB_URI: z.string().startsWith('mongodb').optional(),
  KUBECONFIG: z.string().min(1).optional(),
  KUBERNETES_SERVICE_HOST: z.string().min(1).optional(),
  KUBERNETES_SERVICE_PORT: z.string().regex(/^\d+$/).optional(),
});

/** The environment, parsed; parts that it leaves out get their embedded stand-in. */
export type EnvironmentConfig = z.infer<typeof environmentSchema>;

/** @throws EngineError `invalid` naming every variable that cannot be used */
export function readEnvironment(environment: NodeJS.ProcessEnv): EnvironmentConfig {
  const parsed = environmentSchema.safeParse(environment);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new EngineError({
    code: 'invalid',
    what: 'Reading the settings',
    why: problems.join('; '),
    fix: 'Correct these environment variables or leave them out',
  });
}

/** Whether secrets may go there: https, or this machine alone. */
export function isSafeUrl(text: string): boolean {
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname));
}

export const agingMs = 10 * 60_000;

export function databaseFile(dataDir: string): string {
  return join(dataDir, 'slipway.db');
}
