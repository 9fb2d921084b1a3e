import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, isDuplicateKey } from '../ports/database.ts';
import type { Leader, Lease } from '../ports/lease.ts';

interface StoredLease {
  readonly _id: string;
  readonly holder: string;
  readonly address: string;
  readonly epoch: number;
  /** Counts up while the holder lives: clocks of two machines are never compared. */
  readonly beat: number;
  readonly isReleased: boolean;
}

export interface LeaseTimes {
  /** Without a beat for this long, another takes it; the holder stops sooner, after two thirds of it. */
  readonly expiresMs: number;
  readonly beatMs: number;
}

const defaultLeaseTimes: LeaseTimes = { expiresMs: 3_000, beatMs: 500 };

const epochDigits = 10;
const keptEpochs = 10;
/** Of the time after which others take over, the part that the holder itself trusts a beat for. */
const trustedPart = 2 / 3;

/**
 * Waits until this process leads. Each term is a document of its own, and its unique `_id` decides who has it: two
 * that find the same silence insert the same id, and one of them fails.
 * @param own.holder no two processes that live at the same time may have the same
 * @param options.onLeader called when another leads, and when that changes
 * @returns undefined when `signal` ended the wait
 */
export async function acquireLease(
  database: Database,
  own: { readonly holder: string; readonly address: string },
  options: {
    readonly times?: LeaseTimes;
    readonly signal: AbortSignal;
    readonly onLeader: (leader: Leader) => void;
    readonly onError: (error: unknown) => void;
  },
): Promise<Lease | undefined> {
  const { expiresMs, beatMs } = options.times ?? defaultLeaseTimes;
  const leases = collectionOf(database);
  let seen: { readonly id: string; readonly beat: number; readonly at: number } | undefined;

  while (!options.signal.aborted) {
    const askedAt = performance.now();
    try {
      const [newest] = await leases.find({}).sort({ _id: -1 }).limit(1).toArray();
      if (newest !== undefined && (seen?.id !== newest._id || seen.beat !== newest.beat)) {
        if (seen?.id !== newest._id && !newest.isReleased) options.onLeader(newest);
        seen = { id: newest._id, beat: newest.beat, at: askedAt };
      }
      const isSilent = askedAt - (seen?.at ?? askedAt) >= expiresMs;
      // A holder of this very name is this process's own predecessor, which is dead.
      const isFree = newest === undefined || newest.isReleased || newest.holder === own.holder || isSilent;
      if (isFree) {
        const epoch = (newest?.epoch ?? 0) + 1;
        const beganAt = performance.now();
        await leases.insertOne(
          { _id: idOf(epoch), ...own, epoch, beat: 0, isReleased: false },
          { writeConcern: { w: 'majority', journal: true } },
        );
        return hold(leases, epoch, beganAt, { expiresMs, beatMs }, options.onError);
      }
    } catch (error) {
      // Another inserted the same term; or the database is away, and then nobody leads until it is back.
      if (!isDuplicateKey(error)) options.onError(error);
    }
    await new Promise((resolve) => setTimeout(resolve, beatMs));
  }
  return undefined;
}

function hold(
  leases: ReturnType<typeof collectionOf>,
  epoch: number,
  beganAt: number,
  { expiresMs, beatMs }: LeaseTimes,
  onError: (error: unknown) => void,
): Lease {
  const { promise: lost, resolve: lose } = Promise.withResolvers<void>();
  let heldUntil = beganAt + expiresMs * trustedPart;
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  let nextBeat = Promise.withResolvers<void>();
  const isHeld = () => !isOver && performance.now() < heldUntil;

  async function beat(): Promise<void> {
    const beganBeatAt = performance.now();
    try {
      const [newest] = await leases.find({}).sort({ _id: -1 }).limit(1).toArray();
      if (newest?.epoch !== epoch) {
        isOver = true;
        nextBeat.resolve();
        return lose();
      }
      await leases.updateOne({ _id: idOf(epoch) }, { $inc: { beat: 1 } });
      heldUntil = beganBeatAt + expiresMs * trustedPart;
      if (newest.beat % 1_000 === 0) await leases.deleteMany({ _id: { $lt: idOf(Math.max(0, epoch - keptEpochs)) } });
    } catch (error) {
      onError(error);
    }
    nextBeat.resolve();
    nextBeat = Promise.withResolvers();
    if (!isOver) timer = setTimeout(() => void beat(), beatMs);
  }
  void beat();

  return {
    epoch,
    lost,
    isHeld,
    async confirmed() {
      const until = performance.now() + expiresMs;
      while (!isHeld() && !isOver) {
        const leftMs = until - performance.now();
        if (leftMs <= 0) return false;
        await Promise.race([nextBeat.promise, sleep(leftMs, undefined, { ref: false })]);
      }
      return !isOver;
    },
    async release() {
      isOver = true;
      nextBeat.resolve();
      clearTimeout(timer);
      await leases.updateOne({ _id: idOf(epoch) }, { $set: { isReleased: true } });
    },
  };
}

function collectionOf(database: Database) {
  return database.collection<StoredLease>('leases');
}

function idOf(epoch: number): string {
  return `leader:${String(epoch).padStart(epochDigits, '0')}`;
}
