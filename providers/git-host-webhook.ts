import type { HostEvent } from '../engine/core/trigger.ts';

/** A request's header by its lower-case name. */
export type Header = (name: string) => string | undefined;

/** How one provider's deliveries are told apart, proven genuine and understood. */
export interface WebhookSource {
  /** `github`, ...: the last part of the address that it is served at. */
  readonly provider: string;
  /** The provider sends nothing larger. */
  readonly maxBodyBytes: number;
  /** Headers that name a delivery and its event, for words to people. */
  readonly headers: { readonly delivery: string; readonly event: string };
  /** The delivery's own id, the same when it is sent again, and what it is about. */
  identify(header: Header): { readonly id: string | undefined; readonly event: string | undefined };
  /** In constant time over the raw body, with any of the secrets in use. */
  isGenuine(rawBody: string, header: Header): Promise<boolean>;
  /** The events within a delivery, by the names that `translate` takes: one, but for hosts that send several at once. */
  eventsIn(event: string, body: unknown): readonly string[];
  /** What a genuine delivery means. A body that is not as documented is ignored, with the field that is off. */
  translate(event: string, body: unknown): HostEvent;
}
