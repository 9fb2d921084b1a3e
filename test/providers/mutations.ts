import fc from 'fast-check';
import type { HostEvent } from '../../engine/core/trigger.ts';
import { isSha } from '../../engine/core/trigger.ts';
import type { WebhookSource } from '../../providers/git-host-webhook.ts';
import type { CollectedDelivery } from './deliveries.ts';

type Path = readonly (string | number)[];

const hostile = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    '',
    [],
    {},
    1e308,
    -1,
    2 ** 53,
    Number.NaN,
    '__proto__',
    '\u0000\u202e',
    true,
  ),
  fc.constantFrom<unknown>(
    '../../etc/passwd',
    '/',
    '//',
    'refs/heads/',
    'refs/tags/../x',
    '0'.repeat(40),
    'a'.repeat(64),
  ),
  fc.string(),
  fc.integer(),
  fc.constant({ __proto__: null, toString: 1 }),
  fc.constant('x'.repeat(100_000)),
);

function pathsOf(value: unknown, prefix: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [prefix];
  const inner = Object.entries(value).flatMap(([key, each]) =>
    pathsOf(each, [...prefix, Array.isArray(value) ? Number(key) : key]),
  );
  return [prefix, ...inner];
}

function withChange(value: unknown, [first, ...rest]: Path, change: 'drop' | { readonly to: unknown }): unknown {
  if (first === undefined) return change === 'drop' ? undefined : change.to;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value))
    return value.map((each, index) => (index === first ? withChange(each, rest, change) : each));
  const entries = Object.entries(value).flatMap(([key, each]): [string, unknown][] => {
    if (key !== first) return [[key, each]];
    const changed = withChange(each, rest, change);
    return rest.length === 0 && change === 'drop' ? [] : [[key, changed]];
  });
  return Object.fromEntries(entries);
}

export interface Mutated {
  readonly file: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Deliveries with one to three fields dropped, swapped for something of another type, or made huge or hostile. */
export function mutatedDeliveries(deliveries: readonly CollectedDelivery[]): fc.Arbitrary<Mutated> {
  const known = deliveries.map((delivery) => ({ ...delivery, paths: pathsOf(delivery.body) }));
  return fc
    .tuple(
      fc.constantFrom(...known),
      fc.array(fc.tuple(fc.nat(), fc.oneof(fc.constant('drop' as const), fc.record({ to: hostile }))), {
        minLength: 1,
        maxLength: 3,
      }),
    )
    .map(([{ file, headers, body, paths }, changes]) => ({
      file,
      headers,
      body: changes.reduce<unknown>(
        (now, [at, change]) => withChange(now, paths[at % paths.length] ?? [], change),
        body,
      ),
    }));
}

/** What must hold of every event, however it was sent. @returns what is wrong, or undefined */
export function faultOf(source: WebhookSource, { headers, body }: Mutated): string | undefined {
  const event = source.identify((name) => headers[name])?.event ?? '';
  for (const name of source.eventsIn(event, body)) {
    const fault = wrongWith(source, source.translate(name, body));
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function wrongWith(source: WebhookSource, event: HostEvent): string | undefined {
  if (event.type === 'ignored') return event.because.length > 300 ? 'an endless reason' : undefined;
  if (event.type === 'installation') {
    return event.provider === source.provider && event.tenant.startsWith(`${source.provider}:`)
      ? undefined
      : 'a foreign tenant';
  }
  const facts = event.type === 'trigger' ? event.trigger : event.type === 'incomplete' ? event.known : event;
  const { repository } = facts;
  if (repository.provider !== source.provider) return 'a foreign provider';
  if (!repository.tenant.startsWith(`${source.provider}:`)) return 'a foreign tenant';
  if ('headSha' in facts && facts.headSha !== undefined && !isSha(facts.headSha)) return 'a head that is no hash';
  if ('title' in facts && facts.title.length > 300) return 'an endless title';
  return undefined;
}
