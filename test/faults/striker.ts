/** Writes by which a controller changes the world, as the proxies before it see them. */
export type WriteKind = 'commit' | 'cluster' | 'host';

/** Where a fault strikes: at writes of a kind, before they are passed on or after they were answered. */
export interface Strike {
  readonly kind: WriteKind;
  readonly when: 'before' | 'after';
  /** The first write it strikes at, counted from 1, and how many writes are between one and the next. */
  readonly first: number;
  readonly apart: number;
}

/** One write on its way through a proxy. */
export interface Passing {
  /** `cut`: it is not passed on. */
  before(): Promise<'on' | 'cut'>;
  /** `cut`: nobody is told that it was done. */
  after(): Promise<'on' | 'cut'>;
}

/** Lets a fault happen at writes, one at a time, and holds each of them until it has. */
export class Striker {
  #armed: { readonly strike: Strike; readonly act: () => Promise<void>; count: number } | undefined;
  #struck: string[] = [];

  /** From now on writes are counted; at those wanted, `act` is done. */
  arm(strike: Strike, act: () => Promise<void>): void {
    this.#armed = { strike, act, count: 0 };
    this.#struck = [];
  }

  /** @returns the writes it struck at */
  disarm(): readonly string[] {
    this.#armed = undefined;
    return this.#struck;
  }

  /** @param label what is written, for people */
  pass(kind: WriteKind, label: string): Passing {
    const armed = this.#armed;
    if (armed === undefined || armed.strike.kind !== kind) return passing;
    armed.count += 1;
    const { first, apart } = armed.strike;
    if (armed.count < first || (armed.count - first) % apart !== 0) return passing;
    const act = async () => {
      this.#struck.push(label);
      await armed.act();
      return 'cut' as const;
    };
    return armed.strike.when === 'before' ? { ...passing, before: act } : { ...passing, after: act };
  }
}

const passing: Passing = { before: async () => 'on', after: async () => 'on' };
