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

/** Reads `500m`, `2`, `128Mi`, `1e3` as a number; NaN where it is no quantity. */
export function parseQuantity(text: string): number {
  const [, digits = '', suffix = ''] = /^([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)([a-zA-Z]{0,2})$/.exec(text) ?? [];
  const factor = Object.hasOwn(suffixes, suffix) ? suffixes[suffix] : undefined;
  return digits === '' || factor === undefined ? Number.NaN : Number(digits) * factor;
}

/** Prints a sum: processors in thousandths where they are not whole, all else as it is. */
export function printQuantity(value: number, resource: string): string {
  const isCpu = resource.endsWith('cpu');
  return isCpu && !Number.isInteger(value) ? `${Math.round(value * 1000)}m` : String(value);
}
