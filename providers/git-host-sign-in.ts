import type { Person } from '../engine/core/trigger.ts';

/** What a browser's way to the host and back has in common at both ends. */
export interface SignInWay {
  /** What the host gives back unchanged: it tells this browser's answer from everybody else's. */
  readonly state: string;
  /** Slipway's own address that the host sends the browser back to, exactly as it is registered there. */
  readonly redirectUrl: string;
  /** Of PKCE: a code that was seen on its way is worth nothing without it. */
  readonly verifier: string;
}

/** How people prove at a host who they are: by OAuth's authorization code. What the host grants by it is used once. */
export interface HostSignIn {
  /** The host's name, for people. */
  readonly name: string;
  /** Where the browser goes. */
  begin(way: SignInWay): Promise<string>;
  /**
   * Trades what the browser came back with for who it is; the token that tells it is thrown away.
   * @throws GitHostError `denied` where the person or the host did not want to, `invalid` for an answer that is none to
   * this way, `unavailable` where nobody answers
   */
  finish(way: SignInWay, answer: URLSearchParams): Promise<Person>;
}
