/** Archives by their SHA-256 digest (`sha256:<hex>`), kept once per tenant; content never changes. */
export interface ArtifactStore {
  /**
   * Stores a stream; durable when it resolves.
   * @throws EngineError `too-large` past `maxBytes`, `invalid` when `expectedDigest` is given and differs
   */
  put(
    tenant: string,
    content: AsyncIterable<Uint8Array>,
    options: { readonly maxBytes: number; readonly expectedDigest?: string },
  ): Promise<{ readonly digest: string; readonly bytes: number }>;
  /** @throws EngineError `not-found` */
  get(tenant: string, digest: string): AsyncIterable<Uint8Array>;
  has(tenant: string, digest: string): Promise<boolean>;
}
