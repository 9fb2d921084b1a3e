/** Archives by their SHA-256 digest (`sha256:<hex>`), kept once per tenant; content never changes. */
export interface ArtifactStore {
  /**
   * Stores a stream; durable when it resolves. Storing the same content again changes nothing.
   * @param options.upload names this content's way here: what of it was kept before it broke off is not written again
   * @throws EngineError `too-large` past `maxBytes`, `invalid` when `expectedDigest` is given and differs
   */
  put(
    tenant: string,
    content: AsyncIterable<Uint8Array>,
    options: { readonly maxBytes: number; readonly expectedDigest?: string; readonly upload?: string },
  ): Promise<{ readonly digest: string; readonly bytes: number }>;
  /** @throws EngineError `not-found` */
  get(tenant: string, digest: string): AsyncIterable<Uint8Array>;
  has(tenant: string, digest: string): Promise<boolean>;
  /**
   * Removes what was begun, not touched since then, and became no artifact.
   * @returns how many uploads were put in order
   */
  sweep(untouchedSince: Date): Promise<number>;
  /**
   * Lets go of artifacts whose time is over, a bounded number at a time; what is `wanted` is kept as long once more.
   * Storing the same content again counts as new.
   * @returns how many are gone
   */
  expire(wanted: (tenant: string, digest: string) => Promise<boolean>): Promise<number>;
}
