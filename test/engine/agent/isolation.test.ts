import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NotIsolatedError, untilIsolated } from '../../../engine/agent/isolation.ts';
import { PodHarness } from './pod-harness.ts';

describe('isolation of a new pod', () => {
  let server: Server;
  let barred: string;
  let dials = 0;
  beforeEach(async () => {
    dials = 0;
    server = createServer((socket) => {
      dials += 1;
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The server has no port');
    barred = `127.0.0.1:${address.port}`;
  });
  afterEach(() => server.close());

  it('is waited for until what no stage may reach answers no more', async () => {
    let isOver = false;
    const waiting = untilIsolated(barred, [], 20_000).then(() => {
      isOver = true;
    });
    await expect.poll(() => dials).toBeGreaterThan(2);
    expect(isOver).toBe(false);
    server.close();
    await waiting;
  });

  it('is given up in words that say what to do', async () => {
    const failed = untilIsolated(barred, [], 300);
    await expect(failed).rejects.toBeInstanceOf(NotIsolatedError);
    await expect(failed).rejects.toThrow(
      /network policies do not hold on this pod: 127\.0\.0\.1:\d+, .* still answered after 0\.3 s\. Ask who runs/,
    );
  });

  it('takes no answer for a refusal, as most networks refuse', async () => {
    // Nobody is at this address, which documents have for themselves.
    await untilIsolated('192.0.2.1:443', [], 20_000);
  });

  it('cannot be seen where the administrator lets stages reach that network', async () => {
    await untilIsolated(barred, ['10.0.0.0/8', '127.0.0.0/8', 'fd00::/8'], 300);
    expect(dials).toBe(0);
  });

  it('holds back the commands, and only them', async () => {
    const pod = new PodHarness();
    try {
      pod.work({ 'file.txt': 'x' }, { commands: ['echo ran'] });
      pod.start(await pod.listen(), { SLIPWAY_BARRED_ADDRESS: barred });
      await expect.poll(() => dials, { timeout: 15_000 }).toBeGreaterThan(5);
      expect([pod.starts, await pod.log()]).toEqual([0, []]);
      server.close();
      expect(await pod.done()).toMatchObject({ outcome: 'succeeded' });
      expect(await pod.log()).toContain('ran');
    } finally {
      await pod.close();
    }
  });
});
