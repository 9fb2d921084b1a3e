import type { Egress } from '../core/tenant.ts';
import { notPublic4, notPublic6 } from '../public-address.ts';

/** Where stages may go beside public addresses, already looked up. */
export interface Ways {
  readonly agents: Way;
  /** The tenant's Git host and proxy, where they are not public. */
  readonly others: readonly Way[];
  /** Public addresses that stages never reach, such as the API server's. */
  readonly never: readonly string[];
}

export interface Way {
  readonly port: number;
  readonly to:
    | { readonly type: 'addresses'; readonly cidrs: readonly string[] }
    /** Pods of a namespace, by their `app.kubernetes.io/name`. */
    | { readonly type: 'pods'; readonly namespace: string; readonly name: string };
}

/** Of a network policy's rule. */
export type Peer = Record<string, unknown>;

/**
 * Where pods may go: name servers, Slipway's endpoint, the ways to others, and the public, unless a proxy leads there.
 * @param peers pods that they may reach as well
 */
export function egressRules(
  egress: Egress,
  { agents, others, never }: Ways,
  peers: readonly Peer[] = [],
): readonly Record<string, unknown>[] {
  const dnsPorts = [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ];
  const dns: Peer[] = [
    { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } },
    ...egress.dns.map(block),
  ];
  const open: Peer[] = [
    ...(egress.proxy === undefined ? publicBlocks([...egress.deny, ...never]) : []),
    ...egress.allow.map(block),
    ...peers,
  ];
  return [
    { to: dns, ports: dnsPorts },
    // A rule to no address would be one to every address: a host that is not found is out of reach until it is.
    ...[agents, ...others].filter(leadsSomewhere).map(({ to, port }) => ({
      to: to.type === 'addresses' ? to.cidrs.map(block) : [podsOf(to)],
      ports: [{ protocol: 'TCP', port }],
    })),
    ...(open.length === 0 ? [] : [{ to: open }]),
  ];
}

function leadsSomewhere({ to }: Way): boolean {
  return to.type === 'pods' || to.cidrs.length > 0;
}

function podsOf({ namespace, name }: { readonly namespace: string; readonly name: string }): Peer {
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    podSelector: { matchLabels: { 'app.kubernetes.io/name': name } },
  };
}

function block(cidr: string): Peer {
  return { ipBlock: { cidr } };
}

/** All public addresses but these. */
export function publicBlocks(never: readonly string[]): readonly Peer[] {
  const is6 = (cidr: string) => cidr.includes(':');
  const except4 = [...notPublic4, ...never.filter((cidr) => !is6(cidr))];
  const except6 = [...notPublic6, ...never.filter(is6)];
  return [
    { ipBlock: { cidr: '0.0.0.0/0', except: [...new Set(except4)] } },
    { ipBlock: { cidr: '::/0', except: [...new Set(except6)] } },
  ];
}
