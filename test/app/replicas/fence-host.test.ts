import { describe, expect, it } from 'vitest';
import { fenceHost } from '../../../app/replicas/fence-host.ts';

/** A host that counts what it is asked, and can be told to answer late. */
class CountingHost {
  asked = 0;
  readonly #login = 'slipway[bot]';

  async ownLogin(): Promise<string> {
    this.asked += 1;
    return this.#login;
  }

  async redeliverMissed(): Promise<number> {
    throw new RangeError('the host said no');
  }
}

describe('the Git host of a replica that may lose its lease', () => {
  it('is asked while the replica leads, and answers and fails as it does itself', async () => {
    const fenced = fenceHost(new CountingHost(), async () => true);
    await expect(fenced.ownLogin()).resolves.toBe('slipway[bot]');
    await expect(fenced.redeliverMissed()).rejects.toThrow('the host said no');
  });

  it('is asked nothing from the moment on that another leads, and the refusal says why', async () => {
    const host = new CountingHost();
    let leads = true;
    const fenced = fenceHost(host, async () => leads);
    await fenced.ownLogin();
    leads = false;
    await expect(fenced.ownLogin()).rejects.toMatchObject({ code: 'fenced', why: expect.stringContaining('lead') });
    expect(host.asked).toBe(1);
  });
});
