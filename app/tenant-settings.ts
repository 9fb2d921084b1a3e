import { isIP } from 'node:net';
import { parseDocument, visit } from 'yaml';
import { z } from 'zod';
import type { Egress, Pool, Quota, SettingsOfTenant, TenantSettings } from '../engine/core/tenant.ts';
import { defaultPool } from '../engine/core/tenant.ts';
import { parseCpu, parseMemory } from '../engine/pipeline-file/units.ts';
import { EngineError } from '../engine/ports/errors.ts';

const maxFileBytes = 2 ** 20;
const gibibyte = 2 ** 30;

function parsed<T>(parse: (text: string) => T | undefined, example: string) {
  return z.union([z.string(), z.number()]).transform((value, context): T => {
    const result = parse(String(value));
    if (result !== undefined) return result;
    context.addIssue(`"${value}" is not understood; write it like ${example}`);
    return z.NEVER;
  });
}

const cidr = z.string().refine((text) => {
  const [address = '', bits = '', ...more] = text.split('/');
  const version = isIP(address);
  return version > 0 && more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
}, 'is no network; write it like 10.20.0.0/16');
const objectName = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'cannot name an object of Kubernetes');
const poolName = z
  .string()
  .regex(/^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$/, 'cannot name a pool: letters, digits and -, at most 32');
const labels = z.record(z.string().min(1), z.string());
const slots = z.union([z.literal('unlimited').transform(() => Number.POSITIVE_INFINITY), z.number().int().min(1)], {
  error: 'is a number of at least 1, or "unlimited"',
});
const cpu = parsed(parseCpu, '500m or 2');
const memory = parsed(parseMemory, '512Mi or 2Gi');

const quota = z.strictObject({
  pods: z.number().int().min(1).optional(),
  cpu: cpu.optional(),
  memory: memory.optional(),
});

const pool = z.strictObject({
  slots: slots.optional(),
  quota: quota.optional(),
  nodeSelector: labels.optional(),
  tolerations: z
    .array(
      z.strictObject({
        key: z.string().min(1).optional(),
        value: z.string().optional(),
        effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
      }),
    )
    .optional(),
});

const hostName = z
  .string()
  .toLowerCase()
  .regex(
    /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?(:\d{1,5})?$/,
    'is no host; write it like registry.example.com, *.example.com or example.com:8443',
  );

const egress = z.strictObject({
  allow: z.array(cidr).optional(),
  deny: z.array(cidr).optional(),
  dns: z.array(cidr).optional(),
  proxy: z
    .string()
    .regex(/^http:\/\/[A-Za-z0-9.-]+:\d{1,5}$/, 'is no proxy; write it like http://proxy.example:3128')
    .optional(),
  names: z.array(hostName).min(1).optional(),
});

const tenant = z.strictObject({
  pools: z.record(poolName, pool).optional(),
  images: z.record(z.string().min(1), z.string().min(1)).optional(),
  pullSecrets: z.array(objectName).optional(),
  quota: quota.optional(),
  lanes: z.strictObject({ hotfix: quota.optional(), main: quota.optional(), feature: quota.optional() }).optional(),
  largestStage: z.strictObject({ cpu: cpu.optional(), memory: memory.optional() }).optional(),
  egress: egress
    .refine(({ proxy, names }) => proxy === undefined || names === undefined, {
      path: ['names'],
      error: 'are kept by a proxy of Slipway itself; where `proxy` names another one, list them there',
    })
    .optional(),
  environments: z.strictObject({ egress: egress.pick({ allow: true }).optional() }).optional(),
  ndots: z.number().int().min(1).max(15).optional(),
});
type WrittenTenant = z.infer<typeof tenant>;
type WrittenEgress = z.infer<typeof egress>;
type WrittenQuota = z.infer<typeof quota>;
const laneNames = ['hotfix', 'main', 'feature'] as const;

const file = z.strictObject({
  defaults: tenant.optional(),
  tenants: z.record(z.string().regex(/^[a-z]+:.+$/, 'is no tenant; write it like github:12345'), tenant).optional(),
});

/**
 * Reads what administrators say of tenants: YAML with `defaults` and `tenants`, whose keys are the same. A tenant's maps
 * are laid over the defaults' key by key; its lists take their place.
 * @param text undefined where there is no file
 * @param base what holds where the file says nothing
 * @throws EngineError `invalid` naming every mistake with its place
 */
export function readTenantSettings(
  text: string | undefined,
  base: { readonly path: string; readonly images: Readonly<Record<string, string>>; readonly poolSlots: number },
): SettingsOfTenant {
  const written = text === undefined ? {} : parseFile(text, base.path);
  const defaults = over(builtIn(base), written.defaults ?? {});
  const named = new Map(
    Object.entries(written.tenants ?? {}).map(([id, settings]) => [id, over(defaults, settings)] as const),
  );
  return (id) => named.get(id) ?? defaults;
}

/** What holds for every tenant where no file says otherwise. */
export function defaultTenantSettings(base: {
  readonly images?: Readonly<Record<string, string>>;
  readonly slots: { readonly poolSlots: number };
}): SettingsOfTenant {
  return readTenantSettings(undefined, { path: '', images: base.images ?? {}, poolSlots: base.slots.poolSlots });
}

function parseFile(text: string, path: string): z.infer<typeof file> {
  const document = parseDocument(text.slice(0, maxFileBytes), { prettyErrors: true, merge: false });
  const broken = document.errors.map(({ message }) => message.split('\n')[0] ?? '');
  visit(document, {
    Alias: () => {
      broken.push('it uses an alias: write the values out');
      return visit.BREAK;
    },
  });
  const result = file.safeParse(broken.length > 0 ? {} : (document.toJS() ?? {}));
  const problems = result.success
    ? broken
    : [...broken, ...result.error.issues.map((issue) => `${issue.path.join('.')}: ${describe(issue)}`)];
  if (text.length > maxFileBytes) problems.push(`it is larger than ${maxFileBytes / 1_024} kB`);
  if (problems.length === 0 && result.success) return result.data;
  throw new EngineError({
    code: 'invalid',
    what: `Reading ${path}`,
    why: problems.join('; '),
    fix: 'Correct these settings; docs/tenants.md lists them',
  });
}

function describe(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_key' ? issue.issues.map(({ message }) => message).join(', ') : issue.message;
}

/** Bounds that nobody notices until something runs away. */
function builtIn({
  images,
  poolSlots,
}: {
  readonly images: Readonly<Record<string, string>>;
  readonly poolSlots: number;
}): TenantSettings {
  const pods = Number.isFinite(poolSlots) ? poolSlots * 2 : 10_000;
  return {
    pools: { [defaultPool]: emptyPool },
    images,
    pullSecrets: [],
    quota: { pods, cpuMillicores: pods * 4_000, memoryBytes: pods * 8 * gibibyte },
    largestStage: { cpuMillicores: 32_000, memoryBytes: 128 * gibibyte },
    lanes: {},
    egress: noEgress,
    environments: { egress: { allow: [] } },
    ndots: 1,
  };
}

const noEgress: Egress = { allow: [], deny: [], dns: [] };
const emptyPool: Pool = { slots: Number.POSITIVE_INFINITY, nodeSelector: {}, tolerations: [] };

function over(base: TenantSettings, written: WrittenTenant): TenantSettings {
  const { quota, lanes, largestStage, pools = {} } = written;
  return {
    pools: {
      ...base.pools,
      ...Object.fromEntries(
        Object.entries(pools).map(([name, facts]) => {
          const before = base.pools[name] ?? emptyPool;
          return [
            name,
            {
              slots: facts.slots ?? before.slots,
              nodeSelector: facts.nodeSelector ?? before.nodeSelector,
              tolerations: facts.tolerations?.map(withoutAbsent) ?? before.tolerations,
              ...quotaOver(before.quota, facts.quota),
            },
          ];
        }),
      ),
    },
    images: { ...base.images, ...written.images },
    pullSecrets: written.pullSecrets ?? base.pullSecrets,
    quota: {
      pods: quota?.pods ?? base.quota.pods,
      cpuMillicores: quota?.cpu ?? base.quota.cpuMillicores,
      memoryBytes: quota?.memory ?? base.quota.memoryBytes,
    },
    lanes: {
      ...base.lanes,
      ...Object.fromEntries(
        laneNames.flatMap((lane) => {
          const merged = quotaOver(base.lanes[lane], lanes?.[lane]).quota;
          return merged === undefined ? [] : [[lane, merged]];
        }),
      ),
    },
    largestStage: {
      cpuMillicores: largestStage?.cpu ?? base.largestStage.cpuMillicores,
      memoryBytes: largestStage?.memory ?? base.largestStage.memoryBytes,
    },
    egress: egressOver(base.egress, written.egress),
    environments: { egress: { allow: written.environments?.egress?.allow ?? base.environments.egress.allow } },
    ndots: written.ndots ?? base.ndots,
  };
}

function egressOver(base: Egress, written: WrittenEgress | undefined): Egress {
  // One way out alone: whichever is said last takes the other's place.
  const { proxy, names } = written?.proxy === undefined && written?.names === undefined ? base : written;
  return {
    allow: written?.allow ?? base.allow,
    deny: written?.deny ?? base.deny,
    dns: written?.dns ?? base.dns,
    ...(proxy === undefined ? {} : { proxy }),
    ...(names === undefined ? {} : { names }),
  };
}

function quotaOver(base: Quota | undefined, written: WrittenQuota | undefined): { readonly quota?: Quota } {
  if (written === undefined) return base === undefined ? {} : { quota: base };
  const { pods, cpu: cpuMillicores, memory: memoryBytes } = written;
  return {
    quota: {
      ...base,
      ...(pods === undefined ? {} : { pods }),
      ...(cpuMillicores === undefined ? {} : { cpuMillicores }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    },
  };
}

function withoutAbsent({
  key,
  value,
  effect,
}: NonNullable<z.infer<typeof pool>['tolerations']>[number]): Pool['tolerations'][number] {
  return {
    ...(key === undefined ? {} : { key }),
    ...(value === undefined ? {} : { value }),
    ...(effect === undefined ? {} : { effect }),
  };
}
