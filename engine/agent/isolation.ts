import { connect } from 'node:net';
import { isIn, networks } from '../public-address.ts';

/** No answer for so long is how most networks refuse: a handshake takes the kernels alone, and is never that slow. */
const noAnswerMs = 500;
const betweenMs = 100;

/** The cluster's network policies do not hold on this pod. */
export class NotIsolatedError extends Error {
  override readonly name = 'NotIsolatedError';
}

/**
 * Waits until the cluster's network policies hold on this pod: many networks enforce them a moment after its start, and
 * whatever runs before that reaches everything.
 * @param barred `host:port` that answers everybody whom no policy keeps from it, and that stages never reach
 * @param allowed networks, in CIDR notation, that policies let stages reach; where `barred` is in one nothing can be seen
 * @throws NotIsolatedError when something still answers there after `forMs`
 */
export async function untilIsolated(barred: string, allowed: readonly string[], forMs: number): Promise<void> {
  const at = barred.lastIndexOf(':');
  const [host, port] = [barred.slice(0, at), Number(barred.slice(at + 1))];
  if (isIn(networks(allowed), host)) return;
  const until = performance.now() + forMs;
  while (await answers(host, port)) {
    if (performance.now() > until) {
      throw new NotIsolatedError(
        `The cluster's network policies do not hold on this pod: ${barred}, which no stage may reach, still answered after ${forMs / 1_000} s. Ask who runs the cluster; where its network enforces no policies, leave SLIPWAY_NETWORK_POLICIES out`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, betweenMs));
  }
}

function answers(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port });
  const timer = setTimeout(() => resolve(false), noAnswerMs);
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}
