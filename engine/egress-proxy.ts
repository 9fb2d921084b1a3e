import { lookup } from 'node:dns/promises';
import { type PrepareRequestFunctionResult, RequestError, Server } from 'proxy-chain';
import { isIn, isPublic, networks } from './public-address.ts';

/** What a proxy lets through. */
export interface EgressRules {
  /** `example.com`, `*.example.com`, or either with a port of its own, `example.com:8443`; else it is 443 or 80. */
  readonly names: readonly string[];
  /** The same, for hosts that may have any address: those that the installation itself names, such as its Git host. */
  readonly trusted: readonly string[];
  /** Networks that are not public where names may lead all the same, in CIDR notation. */
  readonly allow: readonly string[];
  /** Networks where they may not, though public. */
  readonly deny: readonly string[];
}

const askFor = (key: string) => `An administrator may list it under "egress: ${key}"`;

type Address = { readonly address: string; readonly family: number };

const usualPorts = [443, 80];
const lookupMs = 5_000;
/** A connection on which nothing moves for so long is left behind. */
const idleMs = 10 * 60_000;
const maxConnections = 4_000;

/**
 * A proxy (CONNECT, and plain HTTP) that leads to named hosts alone. It looks each name up itself and connects to the
 * very addresses that it has judged: a name that answers with a private address, now or a moment later, opens nothing.
 * @param options.resolve addresses of a name; by default as the machine finds them
 * @param options.onRefusal told in words what was refused
 */
export async function startEgressProxy(options: {
  readonly rules: EgressRules;
  readonly host: string;
  readonly port: number;
  readonly resolve?: (name: string) => Promise<readonly Address[]>;
  readonly onRefusal: (why: string) => void;
}): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const { rules, resolve = (name) => lookup(name, { all: true }), onRefusal } = options;
  const [allowed, denied] = [networks(rules.allow), networks(rules.deny)];

  function refuse(status: number, why: string): never {
    onRefusal(why);
    throw new RequestError(`slipway egress-proxy: ${why}\n`, status);
  }

  const isOpen = ({ address }: Address) => isIn(allowed, address) || (isPublic(address) && !isIn(denied, address));

  async function addressesOf(host: string, isRight: (address: Address) => boolean): Promise<readonly Address[]> {
    const found = await Promise.race([resolve(host), tooLate()]).catch((error: unknown) =>
      refuse(502, `${host} is not found: ${error instanceof Error ? error.message : String(error)}`),
    );
    const right = found.filter(isRight);
    if (right.length > 0) return right;
    const where = found.map(({ address }) => address).join(', ');
    return refuse(403, `${host} leads to ${where}, which stages may not reach. ${askFor('allow')}`);
  }

  const server = new Server({
    host: options.host,
    port: options.port,
    async prepareRequestFunction({ hostname, port }) {
      const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
      const isAmong = (names: readonly string[]) => names.some((rule) => covers(rule, host, port));
      const isTrusted = isAmong(rules.trusted);
      if (!isTrusted && !isAmong(rules.names))
        refuse(403, `${host}:${port} is not among the hosts that stages may reach. ${askFor('names')}`);
      const addresses = await addressesOf(host, isTrusted ? () => true : isOpen);
      return { dnsLookup: only(addresses) };
    },
  });
  server.server.maxConnections = maxConnections;
  server.server.on('connection', (socket) => socket.setTimeout(idleMs, () => socket.destroy()));
  await server.listen();
  return { port: server.port, stop: () => server.close(true) };
}

function covers(rule: string, host: string, port: number): boolean {
  const [, name = '', own] = /^(.*?)(?::(\d+))?$/.exec(rule) ?? [];
  const isPort = own === undefined ? usualPorts.includes(port) : Number(own) === port;
  return isPort && (name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name);
}

/** A look-up that knows these addresses and asks nobody; the library wants one in all forms of Node's own. */
function only(addresses: readonly Address[]): NonNullable<PrepareRequestFunctionResult['dnsLookup']> {
  const answer = (_: string, options: unknown, callback?: unknown): void => {
    const [first] = addresses;
    const told = callback ?? options;
    if (typeof told !== 'function' || first === undefined) return;
    const isAll = typeof options === 'object' && options !== null && 'all' in options && options.all === true;
    if (isAll) told(null, [...addresses]);
    else told(null, first.address, first.family);
  };
  return Object.assign(answer, { __promisify__: lookup });
}

async function tooLate(): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, lookupMs).unref());
  throw new Error(`no answer within ${lookupMs / 1_000} s`);
}
