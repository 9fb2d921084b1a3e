import type { Variables } from './git-host-setup.ts';

/** A host, and the account there that shall own what is registered; a person's own where left out. */
export interface RegistrationPlace {
  /** Without a slash at its end. */
  readonly url: string;
  readonly organization?: string;
}

/** Registers Slipway at a host by the host's own page: a form is posted to it, and a code comes back. */
export interface GitHostRegistration {
  /** Where the form goes. */
  formUrl(place: RegistrationPlace, state: string): string;
  /**
   * Trades the code, once, for what Slipway then proves itself with.
   * @throws GitHostError `invalid` for a code that is used or too old, `unavailable` where nobody answers
   */
  redeem(
    place: RegistrationPlace,
    code: string,
  ): Promise<{
    /** As environment variables would give them. */
    readonly settings: Variables;
    readonly name: string;
    /** Where it is installed next. */
    readonly installUrl: string;
  }>;
}
