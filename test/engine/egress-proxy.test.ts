import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { ProxyAgent, fetch as undiciFetch } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EgressRules, startEgressProxy } from '../../engine/egress-proxy.ts';

/** Stands for a public address: names lead to this machine, and the rules call it public or private as a test wants. */
const here = { address: '127.0.0.1', family: 4 };
const open: EgressRules = { names: [], trusted: [], allow: ['127.0.0.0/8'], deny: [] };

describe('an egress proxy', () => {
  let target: Server;
  let port: number;
  let refusals: string[];
  let proxy: Awaited<ReturnType<typeof startEgressProxy>> | undefined;

  beforeEach(async () => {
    refusals = [];
    target = createServer((request, response) => response.end(`hello ${request.headers.host}`));
    target.listen(0, '127.0.0.1');
    await once(target, 'listening');
    const address = target.address();
    if (address === null || typeof address === 'string') throw new Error('The server has no port');
    port = address.port;
  });
  afterEach(async () => {
    await proxy?.stop();
    target.closeAllConnections();
    target.close();
  });

  async function start(
    rules: Partial<EgressRules>,
    resolve = async (): Promise<readonly { address: string; family: number }[]> => [here],
  ): Promise<void> {
    await proxy?.stop();
    proxy = await startEgressProxy({
      rules: { ...open, ...rules },
      host: '127.0.0.1',
      port: 0,
      resolve,
      onRefusal: (why) => refusals.push(why),
    });
  }

  const proxyUrl = () => `http://127.0.0.1:${proxy?.port}`;
  /** By CONNECT, or as a plain request to the proxy. */
  async function get(host: string, by: 'connect' | 'plain'): Promise<{ status: number; text: string }> {
    const agent = new ProxyAgent({ uri: proxyUrl(), proxyTunnel: by === 'connect' });
    const response = await undiciFetch(`http://${host}/`, { dispatcher: agent });
    return { status: response.status, text: await response.text() };
  }
  /** What the proxy answers to a CONNECT. */
  async function tunnel(place: string): Promise<string> {
    const socket = connect(proxy?.port ?? 0, '127.0.0.1');
    socket.write(`CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n\r\n`);
    let text = '';
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.startsWith('HTTP/1.1 200')) socket.destroy();
    }
    return text;
  }

  it('leads to the names that are listed, by tunnel and by plain request', async () => {
    await start({ names: [`registry.example:${port}`, `*.trusted.example:${port}`] });
    for (const by of ['connect', 'plain'] as const) {
      expect(await get(`registry.example:${port}`, by)).toEqual({
        status: 200,
        text: `hello registry.example:${port}`,
      });
      expect((await get(`a.b.trusted.example:${port}`, by)).status).toBe(200);
    }
    expect(refusals).toEqual([]);
  });

  it.each([
    ['another name', 'evil.example'],
    ['a name that ends alike', 'evilregistry.example'],
    ['a name below one that is listed alone', 'sub.registry.example'],
    ['the name above a wildcard', 'trusted.example'],
    ['an address', '127.0.0.1'],
    ['an address in disguise', '2130706433'],
    ['another port of a listed name', 'registry.example', 22],
  ])('does not lead to %s', async (_, host, other = port) => {
    await start({ names: [`registry.example:${port}`, `*.trusted.example:${port}`] });
    const answer = await tunnel(`${host}:${other}`);
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain('is not among the hosts that stages may reach. An administrator may list it');
    expect(refusals).toHaveLength(1);
  });

  it('leads to the ports of the web alone where a name has none', async () => {
    await start({ names: ['registry.example'] });
    expect(await tunnel(`registry.example:${port}`)).toMatch(/^HTTP\/1\.1 403 /);
    await start({ names: ['registry.example'], allow: [], deny: ['11.0.0.0/8'] }, async () => [
      { address: '11.1.1.1', family: 4 },
    ]);
    expect(await tunnel('registry.example:443')).toContain('leads to 11.1.1.1, which stages may not reach');
  });

  it.each(['127.0.0.1', '10.1.2.3', '169.254.169.254', '::1', '::ffff:10.1.2.3', 'fd00::1', '64:ff9b::a01:203'])(
    'does not follow a listed name to %s, unless the network is listed or the host trusted',
    async (address) => {
      const private_ = async () => [{ address, family: address.includes(':') ? 6 : 4 }];
      await start({ names: [`rebound.example:${port}`], allow: ['192.168.0.0/16'] }, private_);
      const answer = await tunnel(`rebound.example:${port}`);
      expect(answer).toMatch(/^HTTP\/1\.1 403 /);
      expect(answer).toContain(`rebound.example leads to ${address}, which stages may not reach`);
    },
  );

  it('follows a host that the installation names to wherever it is', async () => {
    await start({ trusted: [`git.internal:${port}`], allow: [] });
    expect((await get(`git.internal:${port}`, 'connect')).status).toBe(200);
  });

  it('connects to the addresses that it judged, though the name has others a moment later', async () => {
    let asked = 0;
    await start({ names: [`rebound.example:${port}`] }, async () => {
      asked += 1;
      return asked === 1 ? [here] : [{ address: '169.254.169.254', family: 4 }];
    });
    expect((await get(`rebound.example:${port}`, 'plain')).status).toBe(200);
    expect(asked).toBe(1);
    expect((await tunnel(`rebound.example:${port}`)).slice(0, 12)).toBe('HTTP/1.1 403');
  });

  it('says that a name is not found', async () => {
    await start({ names: ['gone.example'] }, async () => {
      throw new Error('ENOTFOUND');
    });
    expect(await tunnel('gone.example:443')).toMatch(/^HTTP\/1\.1 502 [\s\S]*gone\.example is not found: ENOTFOUND/);
  });
});
