/** A figure of the benchmark: what was measured, what is asked of it, whether it holds. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  /** What the project asks for; absent for figures that are only printed. */
  readonly goal?: { readonly text: string; readonly isMet: boolean };
}

export type Print = (figure: Figure) => void;

export function printTo(stream: NodeJS.WritableStream): Print {
  return ({ what, measured, goal }) => {
    const verdict = goal === undefined ? '' : `   goal ${goal.text}: ${goal.isMet ? 'met' : 'MISSED'}`;
    stream.write(`${what.padEnd(64)} ${measured}${verdict}\n`);
  };
}

/** The value below which the share `p` (0 to 1) of the samples lies. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
}

export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20).toLocaleString('en')} MiB`;
}
