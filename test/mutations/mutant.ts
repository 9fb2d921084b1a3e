import type { CollectedDelivery } from '../providers/deliveries.ts';

/** What is done to a delivery. */
export const kinds = [
  'bytes flipped',
  'cut',
  'keys dropped',
  'types changed',
  'huge numbers',
  'deep nesting',
  'hostile text',
  'foreign signature',
] as const;
export type Kind = (typeof kinds)[number];

export interface Mutant {
  readonly kind: Kind;
  readonly body: Buffer;
}

/** The same numbers for the same seed, from 0 up to but not `below`. */
export type Dice = (below: number) => number;

export function dice(seed: number): Dice {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Path = readonly (string | number)[];

const others: readonly unknown[] = [null, '', 'x', 0, -1, true, [], {}, [null], { id: {} }, [[[]]]];
const numbers = ['1e308', '1e999', '-1', '9007199254740993', `${'9'.repeat(400)}`, '0.1e-400', '-0'];
const texts = [
  '__proto__',
  'constructor',
  '\u0000',
  '\u202e\u200b',
  '../../etc/passwd',
  'refs/heads/',
  '//',
  '0'.repeat(40),
  'a'.repeat(64),
  '<!-- -->',
  '/approve production',
  'é'.repeat(70_000),
];
const mark = '"\u0001here\u0001"';

/** One delivery, mutated in one way; the same dice give the same. */
export function mutantOf({ body }: CollectedDelivery, roll: Dice): Mutant {
  const kind = kinds[roll(kinds.length)] ?? 'cut';
  const json = JSON.stringify(body);
  switch (kind) {
    case 'bytes flipped': {
      const bytes = Buffer.from(json);
      for (let times = 1 + roll(4); times > 0; times -= 1) {
        const at = roll(bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << roll(8));
      }
      return { kind, body: bytes };
    }
    case 'cut':
      return { kind, body: Buffer.from(json).subarray(0, roll(json.length)) };
    case 'foreign signature':
      return { kind, body: Buffer.from(json) };
    default: {
      let changed: unknown = body;
      const paths = pathsOf(body);
      for (let times = 1 + roll(3); times > 0; times -= 1) {
        const path = paths[roll(paths.length)] ?? [];
        changed = kind === 'keys dropped' ? without(changed, path) : replaced(changed, path, valueFor(kind, roll));
      }
      return { kind, body: Buffer.from(written(JSON.stringify(changed) ?? '', kind, roll)) };
    }
  }
}

function valueFor(kind: Kind, roll: Dice): unknown {
  if (kind === 'types changed') return others[roll(others.length)];
  if (kind === 'hostile text') return texts[roll(texts.length)];
  return '\u0001here\u0001';
}

/** What JavaScript's own writer cannot say: numbers beyond its range, nesting beyond its stack. */
function written(json: string, kind: Kind, roll: Dice): string {
  if (kind === 'huge numbers') return json.replaceAll(mark, () => numbers[roll(numbers.length)] ?? '0');
  if (kind !== 'deep nesting') return json;
  const depth = [20, 99, 101, 1_000, 50_000][roll(5)] ?? 20;
  const [open, close] = roll(2) === 0 ? ['[', ']'] : ['{"a":', '}'];
  return json.replace(mark, () => `${open.repeat(depth)}1${close.repeat(depth)}`).replaceAll(mark, '0');
}

function pathsOf(value: unknown, prefix: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [prefix];
  const inner = Object.entries(value).flatMap(([key, each]) =>
    pathsOf(each, [...prefix, Array.isArray(value) ? Number(key) : key]),
  );
  return [prefix, ...inner];
}

function replaced(value: unknown, [first, ...rest]: Path, to: unknown): unknown {
  if (first === undefined) return to;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each, index) => (index === first ? replaced(each, rest, to) : each));
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, key === first ? replaced(each, rest, to) : each]),
  );
}

function without(value: unknown, [first, ...rest]: Path): unknown {
  if (first === undefined || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value))
    return value.flatMap((each, index) => (index !== first ? [each] : rest.length === 0 ? [] : [without(each, rest)]));
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) =>
      key !== first ? [[key, each]] : rest.length === 0 ? [] : [[key, without(each, rest)]],
    ),
  );
}
