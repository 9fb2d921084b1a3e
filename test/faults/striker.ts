/** Writes by which a controller changes the world, as the proxies before it see them. */
export type WriteKind = 'commit' | 'cluster' | 'host';

/** Where a fault strikes: at the nth write of a kind, before it is passed on or after it was answered. */
export interface Strike {
  readonly kind: WriteKind;
  readonly nth: number;
  readonly when: 'before' | 'after';
}

/** One write on its way through a proxy. */
export interface Passing {
  /** `cut`: it is not passed on. */
  before(): Promise<'on' | 'cut'>;
  /** `cut`: nobody is told that it was done. */
  after(): Promise<'on' | 'cut'>;
}

/** Lets one fault happen at one write, and holds that write until it has. */
export class Striker {
  #armed: { readonly strike: Strike; readonly act: () => Promise<void>; count: number } | undefined;
  #struck: string | undefined;

  /** From now on writes are counted, from 1; at the one wanted, `act` is done. */
  arm(strike: Strike, act: () => Promise<void>): void {
    this.#armed = { strike, act, count: 0 };
    this.#struck = undefined;
  }

  /** @returns the write it struck at; undefined when there were not that many */
  disarm(): string | undefined {
    this.#armed = undefined;
    return this.#struck;
  }

  /** @param label what is written, for people */
  pass(kind: WriteKind, label: string): Passing {
    const armed = this.#armed;
    if (armed === undefined || armed.strike.kind !== kind) return passing;
    armed.count += 1;
    if (armed.count !== armed.strike.nth) return passing;
    const act = async () => {
      this.#armed = undefined;
      this.#struck = label;
      await armed.act();
      return 'cut' as const;
    };
    return armed.strike.when === 'before' ? { ...passing, before: act } : { ...passing, after: act };
  }
}

const passing: Passing = { before: async () => 'on', after: async () => 'on' };
