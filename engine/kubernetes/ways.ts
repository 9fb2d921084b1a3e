import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Egress } from '../core/tenant.ts';
import { isPublic } from '../public-address.ts';
import type { Way, Ways } from './egress-rules.ts';

/** A place that stages talk to. `host` is a name or an address. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** Whom Slipway's own settings make stages talk to. */
export interface WayHosts {
  readonly agents: HostAndPort;
  readonly apiServer: HostAndPort;
  /** The tenant's Git host, and its proxy. */
  readonly of: (tenant: string) => readonly HostAndPort[];
}

/** Looks the hosts up whose addresses network policies need. The last good answer stands in while there is none. */
export class WayFinder {
  readonly #hosts: WayHosts;
  readonly #lookup: (host: string) => Promise<readonly string[]>;
  readonly #known = new Map<string, readonly string[]>();

  constructor(hosts: WayHosts, find: (host: string) => Promise<readonly string[]> = addressesOf) {
    this.#hosts = hosts;
    this.#lookup = find;
  }

  async waysOf(tenant: string, { proxy, names }: Pick<Egress, 'proxy' | 'names'>): Promise<Ways> {
    const via = proxy === undefined ? [] : [partsOf(proxy)];
    // Slipway's own proxy leads to the Git host too, and is then the only way there.
    const direct = names === undefined ? this.#hosts.of(tenant) : [];
    const agents = await this.#wayTo(this.#hosts.agents, { only: 'all' });
    const others = await Promise.all([
      ...direct.map((host) => this.#wayTo(host, { only: via.length > 0 ? 'all' : 'private' })),
      ...via.map((host) => this.#wayTo(host, { only: 'all' })),
    ]);
    const apiServer = await this.#addresses(this.#hosts.apiServer.host);
    return {
      agents,
      others,
      never: apiServer.filter((address) => isPublic(address)).map(toCidr),
    };
  }

  /** `host:port` of the tenant's Git host. */
  hostsOf(tenant: string): readonly string[] {
    return this.#hosts.of(tenant).map(({ host, port }) => `${host}:${port}`);
  }

  async #wayTo({ host, port }: HostAndPort, { only }: { readonly only: 'all' | 'private' }): Promise<Way> {
    // A Service's address is its own pods' by the time a policy looks at it.
    const [, service, namespace] = /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.|$)/.exec(host) ?? [];
    if (service !== undefined && namespace !== undefined)
      return { port, to: { type: 'pods', namespace, name: service.replace(/-agents$/, '') } };
    const addresses = await this.#addresses(host);
    return {
      port,
      to: { type: 'addresses', cidrs: addresses.filter((it) => only === 'all' || !isPublic(it)).map(toCidr) },
    };
  }

  async #addresses(host: string): Promise<readonly string[]> {
    const bare = host.replace(/^\[|\]$/g, '');
    if (isIP(bare) > 0) return [bare];
    // Sorted: name servers turn their answers around, and a policy that differs only in that is not written again.
    const found = await this.#lookup(bare).then(
      (addresses) => addresses.toSorted(),
      () => this.#known.get(bare) ?? [],
    );
    this.#known.set(bare, found);
    return found;
  }
}

async function addressesOf(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** Of an `http:` or `https:` URL, with the port that it implies. */
export function partsOf(url: string): HostAndPort {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) };
}

function toCidr(address: string): string {
  return `${address}/${isIP(address) === 6 ? 128 : 32}`;
}
