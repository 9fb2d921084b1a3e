/** Who leads, as the others see it. */
export interface Leader {
  readonly holder: string;
  /** Host under which the other replicas reach the leader. */
  readonly address: string;
  readonly epoch: number;
}

/** The right to lead. It is lost when it was not renewed in time, whatever this process did meanwhile. */
export interface Lease {
  readonly epoch: number;
  /** False as soon as another may have taken it over: nothing may be done to the world any more. */
  isHeld(): boolean;
  /**
   * The same, but where no renewal was confirmed in time it waits for one, for no longer than another waits before it
   * takes over: a database that is slow for a moment costs that moment, and no start-up or write fails by it.
   */
  confirmed(): Promise<boolean>;
  /** Resolves once another has it. */
  readonly lost: Promise<void>;
  /** Lets the next one have it at once. */
  release(): Promise<void>;
}
