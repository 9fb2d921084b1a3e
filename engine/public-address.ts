import { BlockList, isIP } from 'node:net';

/** Addresses that are nobody's on the public internet, or not whom they seem to be. @see RFC 6890 */
export const notPublic4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
] as const;
/**
 * Among them those that carry an IPv4 address inside, which would be a way around the list above. (`::ffff:0:0/96` is
 * never on the wire, and the API server reads it as 0.0.0.0/0.)
 */
export const notPublic6 = [
  '::/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
] as const;

const notPublic = networks([...notPublic4, ...notPublic6]);

/** Whether an IP address is somebody's on the public internet. What is no address is not. */
export function isPublic(address: string): boolean {
  return isIP(address) > 0 && !isIn(notPublic, address);
}

/** @param cidrs networks in CIDR notation */
export function networks(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits = ''] = cidr.split('/');
    list.addSubnet(address, Number(bits), familyOf(address));
  }
  return list;
}

/** False for a name: only addresses are in networks. */
export function isIn(list: BlockList, address: string): boolean {
  return isIP(address) > 0 && list.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
