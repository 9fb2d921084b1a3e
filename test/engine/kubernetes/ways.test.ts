import { expect, it } from 'vitest';
import { readTenantSettings } from '../../../app/tenant-settings.ts';
import { egressProxyObjects, withEgressProxies } from '../../../engine/kubernetes/egress-proxy-objects.ts';
import { tenantObjects } from '../../../engine/kubernetes/tenant-objects.ts';
import { WayFinder } from '../../../engine/kubernetes/ways.ts';

const names: Record<string, readonly string[]> = {
  'git.internal': ['10.1.2.3'],
  'gitlab.com': ['172.65.251.78'],
  'k.example': ['52.1.2.3', '10.0.0.1'],
  'slipway.example': ['192.168.7.7'],
  'proxy.example': ['10.8.8.8'],
};

function finder(git: string, agents = 'slipway.example', known = names): WayFinder {
  return new WayFinder(
    {
      agents: { host: agents, port: 7301 },
      apiServer: { host: 'k.example', port: 443 },
      of: () => [{ host: git, port: 443 }],
    },
    async (host) => known[host] ?? Promise.reject(new Error('not found')),
  );
}

async function egressOf(ways: WayFinder, settings = ''): Promise<string> {
  const of = readTenantSettings(settings, { path: '', images: {}, poolSlots: 40 })('github:1');
  const policy = tenantObjects('ns', 'github:1', of, await ways.waysOf('github:1', of.egress)).at(-1);
  return JSON.stringify(policy?.['spec']);
}

it('lets stages to a private Git host, at its port, and to no public one twice', async () => {
  expect(await egressOf(finder('git.internal'))).toContain(
    '{"to":[{"ipBlock":{"cidr":"10.1.2.3/32"}}],"ports":[{"protocol":"TCP","port":443}]}',
  );
  expect(await egressOf(finder('gitlab.com'))).not.toContain('172.65.251.78');
});

it('takes a Service for its pods, whose addresses come and go', async () => {
  expect(await egressOf(finder('gitlab.com', 'slipway-agents.slipway-system.svc.cluster.local'))).toContain(
    '{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"slipway-system"}},"podSelector":{"matchLabels":{"app.kubernetes.io/name":"slipway"}}}',
  );
});

it('keeps stages from the metadata address, and from an API server with a public one', async () => {
  const egress = await egressOf(finder('gitlab.com'), 'defaults: { egress: { deny: [8.8.4.0/24] } }');
  for (const cidr of ['169.254.0.0/16', '10.0.0.0/8', '52.1.2.3/32', '8.8.4.0/24', 'fc00::/7'])
    expect(egress).toMatch(new RegExp(`"except":\\[[^\\]]*"${cidr}"`));
});

it('makes a proxy the only way out', async () => {
  const egress = await egressOf(finder('gitlab.com'), "defaults: { egress: { proxy: 'http://proxy.example:3128' } }");
  expect(egress).not.toContain('0.0.0.0/0');
  expect(egress).toContain('{"to":[{"ipBlock":{"cidr":"10.8.8.8/32"}}],"ports":[{"protocol":"TCP","port":3128}]}');
});

it('opens nothing for a name that is not found, and keeps to the last answer when one is lost', async () => {
  const egress = await egressOf(finder('nowhere.internal', 'lost.example'));
  expect(egress).not.toContain('"to":[]');
  expect(egress).not.toContain('7301');
  const known: Record<string, readonly string[]> = { ...names };
  const ways = finder('git.internal', 'slipway.example', known);
  const before = await egressOf(ways);
  delete known['git.internal'];
  expect(await egressOf(ways)).toBe(before);
});

it('makes the proxy that keeps a list of names the only way out, to the Git host as well', async () => {
  const ways = finder('git.internal');
  const listed = readTenantSettings("defaults: { egress: { names: ['*.example.com'] } }", {
    path: '',
    images: {},
    poolSlots: 40,
  });
  const settings = withEgressProxies(listed, 'slipway')('github:1');
  const own = await ways.waysOf('github:1', settings.egress);
  const stages = JSON.stringify(tenantObjects('ns', 'github:1', settings, own).at(-1)?.['spec']);
  expect(stages).not.toMatch(/0\.0\.0\.0\/0|10\.1\.2\.3/);
  expect(stages).toContain('"kubernetes.io/metadata.name":"slipway-egress"');
  const proxy = egressProxyObjects({
    prefix: 'slipway',
    tenant: 'github:1',
    stages: 'slipway-github-1',
    image: 'slipway:1',
    settings,
    gitHosts: ways.hostsOf('github:1'),
    ways: await ways.waysOf('github:1', {}),
  }).flat();
  const policies = JSON.stringify(proxy.filter(({ kind }) => kind === 'NetworkPolicy').map((it) => it['spec']));
  expect(policies).toContain(
    '"ingress":[{"from":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"slipway-github-1"}}}]',
  );
  expect(policies).toContain('10.1.2.3/32');
  expect(policies).toContain('"cidr":"0.0.0.0/0"');
  expect(JSON.stringify(proxy.find(({ kind }) => kind === 'Deployment'))).toContain(
    '"--name","*.example.com","--trusted","git.internal:443"',
  );
});
