import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { notPublic4, notPublic6, type Way, type Ways } from './egress-rules.ts';

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

  /** @param proxy `http://host:port` */
  async waysOf(tenant: string, proxy: string | undefined): Promise<Ways> {
    const via = proxy === undefined ? [] : [partsOf(proxy)];
    const agents = await this.#wayTo(this.#hosts.agents, { only: 'all' });
    const others = await Promise.all([
      ...this.#hosts.of(tenant).map((host) => this.#wayTo(host, { only: via.length > 0 ? 'all' : 'private' })),
      ...via.map((host) => this.#wayTo(host, { only: 'all' })),
    ]);
    const apiServer = await this.#addresses(this.#hosts.apiServer.host);
    return {
      agents,
      others,
      never: apiServer.filter((address) => !isPrivate(address)).map(toCidr),
    };
  }

  async #wayTo({ host, port }: HostAndPort, { only }: { readonly only: 'all' | 'private' }): Promise<Way> {
    // A Service's address is its own pods' by the time a policy looks at it.
    const [, service, namespace] = /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.|$)/.exec(host) ?? [];
    if (service !== undefined && namespace !== undefined)
      return { port, to: { type: 'pods', namespace, name: service.replace(/-agents$/, '') } };
    const addresses = await this.#addresses(host);
    return {
      port,
      to: { type: 'addresses', cidrs: addresses.filter((it) => only === 'all' || isPrivate(it)).map(toCidr) },
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

const privateAddresses = new BlockList();
for (const [cidrs, family] of [
  [notPublic4, 'ipv4'],
  [notPublic6, 'ipv6'],
] as const) {
  for (const cidr of cidrs) {
    const [address = '', bits = ''] = cidr.split('/');
    privateAddresses.addSubnet(address, Number(bits), family);
  }
}

function isPrivate(address: string): boolean {
  return privateAddresses.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

function toCidr(address: string): string {
  return `${address}/${isIP(address) === 6 ? 128 : 32}`;
}
