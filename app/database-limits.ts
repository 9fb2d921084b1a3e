import type { MongoClientOptions } from 'mongodb';

/**
 * How long the database may keep Slipway waiting. The client's own defaults wait for ever for an answer on an open
 * connection, so a machine that went away without a word would hold whoever asked it.
 */
const limits = {
  /** An election of a replica set takes up to 12 s, and is waited for. */
  serverSelectionTimeoutMS: 15_000,
  connectTimeoutMS: 5_000,
  /** Without a word on a connection that waits for one; commands of Slipway take far less. */
  socketTimeoutMS: 20_000,
  /** For a connection of the pool to become free. */
  waitQueueTimeoutMS: 10_000,
} satisfies MongoClientOptions;

/** The limits, but for those that the URI names itself: the client would put its options before the URI's. */
export function databaseLimits(uri: string): Partial<typeof limits> {
  const named = new Set([...new URLSearchParams(uri.split('?')[1])].map(([name]) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(limits).filter(([name]) => !named.has(name.toLowerCase())));
}
