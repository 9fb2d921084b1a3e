/** What Slipway does with a kind of object, or would. */
export interface NeededAccess {
  /** The API group; empty for the core. */
  readonly group: string;
  readonly resource: string;
  readonly verbs: readonly string[];
}

/** The cluster that stages run in, as far as it can be asked whether it lets us work. */
export interface ClusterAccess {
  readonly server: string;
  /** `v1.34.1`. @throws EngineError `denied` where it does not let us in, `unavailable` where it does not answer */
  version(): Promise<string>;
  /** What of all that is needed it does not allow, in any namespace: it is asked, and nothing is tried. */
  missing(): Promise<readonly NeededAccess[]>;
}
