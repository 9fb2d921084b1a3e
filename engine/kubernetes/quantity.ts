const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** Reads `500m`, `2`, `128Mi`, `1e3` as a number of units; NaN where it is no quantity of Kubernetes. */
export function parseQuantity(text: string): number {
  const [, digits = '', suffix = ''] = /^([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)([a-zA-Z]{0,2})$/.exec(text) ?? [];
  const factor = Object.hasOwn(suffixes, suffix) ? suffixes[suffix] : undefined;
  return digits === '' || factor === undefined ? Number.NaN : Number(digits) * factor;
}

/** Thousandths of a core as the API server writes them, so that what it keeps compares equal. */
export function cpuQuantity(millicores: number): string {
  return millicores % 1_000 === 0 ? String(millicores / 1_000) : `${millicores}m`;
}

/** Bytes as the API server writes them: by the largest binary suffix that leaves no fraction. */
export function bytesQuantity(bytes: number): string {
  const suffix = ['Pi', 'Ti', 'Gi', 'Mi', 'Ki'].find((it) => bytes > 0 && bytes % (suffixes[it] ?? 1) === 0);
  return suffix === undefined ? String(bytes) : `${bytes / (suffixes[suffix] ?? 1)}${suffix}`;
}
