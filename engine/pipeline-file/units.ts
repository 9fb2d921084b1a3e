import { largestDiskBytes } from '../core/pipeline.ts';

const second = 1_000;
const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: second, m: 60 * second, h: 3_600 * second };

/** `30s`, `10m`, `1h30m` in milliseconds. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(ms|s|m|h))+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+)(ms|s|m|h)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (durationUnits[unit ?? ''] ?? 0),
    0,
  );
}

/** Cores as `2`, `0.5` or `500m`, in thousandths. */
export function parseCpu(text: string): number | undefined {
  const match = /^(\d+(?:\.\d{1,3})?)(m?)$/.exec(text);
  if (match === null) return undefined;
  const value = Math.round(Number(match[1]) * (match[2] === 'm' ? 1 : 1_000));
  return value > 0 ? value : undefined;
}

const memoryUnits: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** `512Mi`, `2Gi`, `1G` in bytes. */
export function parseMemory(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(k|M|G|Ki|Mi|Gi)?$/.exec(text);
  if (match === null) return undefined;
  const value = Math.round(Number(match[1]) * (memoryUnits[match[2] ?? ''] ?? 1));
  return value > 0 ? value : undefined;
}

/** As memory, up to what one stage may write. */
export function parseDisk(text: string): number | undefined {
  const bytes = parseMemory(text);
  return bytes === undefined || bytes > largestDiskBytes ? undefined : bytes;
}

const cronRanges = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;

/** A five-field cron line, checked field by field. */
export function parseCron(text: string): string | undefined {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== cronRanges.length) return undefined;
  const isValid = fields.every((field, index) => {
    const [from, to] = cronRanges[index] ?? [0, 0];
    return field.split(',').every((part) => {
      const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
      if (match === null) return false;
      const [, low, high, step] = match;
      const inRange = (value: string | undefined) =>
        value === undefined || (Number(value) >= from && Number(value) <= to);
      return (
        inRange(low) &&
        inRange(high) &&
        (step === undefined || Number(step) > 0) &&
        (low === undefined || high === undefined || Number(low) <= Number(high))
      );
    });
  });
  return isValid ? fields.join(' ') : undefined;
}

/** A path inside the workspace: relative, without `..`. */
export function parseWorkspacePath(text: string): string | undefined {
  const path = text.replace(/^(\.\/)+/, '').replace(/\/+$/, '');
  const isInside =
    path !== '' &&
    !path.startsWith('/') &&
    !path.includes('\\') &&
    !path.split('/').includes('..') &&
    !path.includes('\0');
  return isInside ? path : undefined;
}
