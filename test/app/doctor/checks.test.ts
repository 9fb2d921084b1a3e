import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { checkAddress } from '../../../app/doctor/check-address.ts';
import { checkApp } from '../../../app/doctor/check-app.ts';
import { checkCluster } from '../../../app/doctor/check-cluster.ts';
import { checkConnections } from '../../../app/doctor/check-connections.ts';
import { checkGitHost } from '../../../app/doctor/check-git-host.ts';
import { checkSignIn } from '../../../app/doctor/check-sign-in.ts';
import { checkEncryption } from '../../../app/doctor/check-store.ts';
import { type Check, examine, type Finding } from '../../../app/doctor/finding.ts';
import { freePort } from '../../../app/embedded/free-port.ts';
import { sealerOf } from '../../../app/installations/sealing.ts';
import { StoredGitHosts } from '../../../app/installations/stored-git-hosts.ts';
import { clusterAccess, neededAccess } from '../../../engine/kubernetes/cluster-access.ts';
import type { ClusterAccess } from '../../../engine/ports/cluster-access.ts';
import { gitHubSetup } from '../../../providers/github/setup.ts';
import { gitLabSetup } from '../../../providers/gitlab/setup.ts';
import { appEvents, appPermissions } from '../embedded/git-host/app-settings.ts';
import { commitFile, git, startHost, startWorld, temporaryFolder } from '../embedded/git-host/running-host.ts';
import { connectWorld } from '../installations/connect-world.ts';

const dayMs = 86_400_000;

async function findings(check: Check): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for await (const each of examine([check])) found.push(each);
  for (const { state, why, fix } of found) if (state !== 'well') expect([why, fix]).not.toContain(undefined);
  return found;
}

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An API server that says no to some verbs. */
async function clusterThat(refuses: (verb: string, resource: string) => boolean): Promise<ClusterAccess> {
  const Asked = z.object({
    spec: z.object({ resourceAttributes: z.object({ verb: z.string(), resource: z.string() }) }),
  });
  const server = await serving((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      if (request.url === '/version') return response.end(JSON.stringify({ gitVersion: 'v1.34.1' }));
      const { verb, resource } = Asked.parse(JSON.parse(Buffer.concat(chunks).toString())).spec.resourceAttributes;
      return response.end(JSON.stringify({ status: { allowed: !refuses(verb, resource) } }));
    });
  });
  return clusterAt(server);
}

function clusterAt(server: string): ClusterAccess {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'one', server, skipTLSVerify: true }],
    users: [{ name: 'one', token: 'a-token' }],
    contexts: [{ name: 'one', cluster: 'one', user: 'one' }],
    currentContext: 'one',
  });
  return clusterAccess(config);
}

it('names what the cluster does not let Slipway do', async () => {
  expect(await findings(checkCluster(await clusterThat(() => false)))).toMatchObject([
    { state: 'well', what: expect.stringContaining('v1.34.1') },
    { state: 'well' },
  ]);
  const some = await clusterThat((verb, resource) => resource === 'pods' && verb !== 'list');
  expect(await findings(checkCluster(some))).toMatchObject([
    { state: 'well' },
    { state: 'broken', what: 'Slipway may not watch, create, delete pods' },
  ]);
  expect(await findings(checkCluster(clusterAt('http://127.0.0.1:9')))).toMatchObject([
    { state: 'broken', what: 'The cluster at http://127.0.0.1:9 does not answer' },
  ]);
});

it("asks the cluster for no more than the chart's role grants", () => {
  const chart = readFileSync(join(import.meta.dirname, '../../../charts/slipway/templates/access.yaml'), 'utf8');
  const rules = [...chart.matchAll(/apiGroups: \[(.*)\]\s+resources: \[(.*)\]\s+verbs: \[(.*)\]/g)].map(
    ([, groups = '', resources = '', verbs = '']) => ({
      group: groups.replaceAll('"', ''),
      resources: resources.split(/,\s*/),
      verbs: verbs.split(/,\s*/),
    }),
  );
  for (const { group, resource, verbs } of neededAccess) {
    const granted = rules.filter((rule) => rule.group === group && rule.resources.includes(resource));
    expect(
      granted.flatMap((rule) => rule.verbs),
      `${group}/${resource}`,
    ).toEqual(expect.arrayContaining([...verbs]));
  }
});

it('tells whether Slipway itself answers at its public address', async () => {
  const own = await serving((_request, response) => response.end('{"status":"alive"}'));
  const other = await serving((_request, response) => response.end('<h1>Welcome to nginx!</h1>'));
  const check = (url: string, isFarHost = true) => findings(checkAddress({ url, isFarHost }));
  expect(await check(own, false)).toMatchObject([{ state: 'well' }]);
  expect(await check(own)).toMatchObject([{ state: 'broken', fix: expect.stringContaining('SLIPWAY_PUBLIC_URL') }]);
  expect(await check(other)).toMatchObject([{ state: 'broken', why: expect.stringContaining('not Slipway') }]);
  expect(await check(`http://127.0.0.1:${await freePort()}`)).toMatchObject([
    { state: 'broken', why: expect.stringContaining('ECONNREFUSED') },
  ]);
});

it('tells that stored secrets cannot be read any more, or that there is no key to store any with', async () => {
  const { stored, database, clock } = await connectWorld('gitlab', {});
  const settings = { GITLAB_TOKEN: 'x' };
  await stored.save({ provider: 'gitlab', url: 'https://gitlab.example', settings, by: 'test' });
  expect(await findings(checkEncryption(stored))).toMatchObject([{ state: 'well' }]);
  const sealer = await sealerOf([randomBytes(32).toString('base64url')]);
  expect(await findings(checkEncryption(new StoredGitHosts({ database, sealer, clock })))).toMatchObject([
    { state: 'broken', what: 'The stored secrets of gitlab cannot be read', fix: expect.stringContaining('old key') },
  ]);
  expect(await findings(checkEncryption(new StoredGitHosts({ database, sealer: undefined, clock })))).toMatchObject([
    { state: 'broken', fix: expect.stringContaining('SLIPWAY_ENCRYPTION_KEY') },
  ]);
});

async function gitLab(options: Parameters<typeof startHost>[0] = {}, lifetimeMs?: number) {
  const host = await startHost({ ...options, face: 'gitlab' });
  for (const login of ['slipway', 'ann']) host.createUser(login);
  host.createOrganization('acme', { admins: [] });
  const { id } = await host.createRepository('acme', 'web', { private: true });
  host.addCollaborator('acme', 'web', 'slipway', 'admin');
  host.addCollaborator('acme', 'web', 'ann', 'write');
  const token = host.createToken('slipway', lifetimeMs === undefined ? {} : { lifetimeMs });
  const repository = { provider: 'gitlab', tenant: 'gitlab:acme', id: String(id), owner: 'acme', name: 'web' };
  return { host, token, repository };
}

it('tells what tokens may, when they end, that pods could push with theirs, and clocks that differ', async () => {
  const { host, token, repository } = await gitLab({}, 10 * dayMs + 60_000);
  const setup = gitLabSetup({ url: host.url, token, cloneToken: token, webhookSecrets: ['a-secret-of-16-chars'] });
  const check = async (now: () => Date) =>
    findings(checkGitHost({ setup, host: await setup.createHost(), repository, clock: { now } }));
  const found = await check(() => new Date());
  expect(found).toMatchObject([
    { state: 'well', what: expect.stringContaining('its clock agrees') },
    { state: 'warning', what: expect.stringMatching(/^GITLAB_TOKEN ends in (9|10) days/) },
    { state: 'well', what: expect.stringContaining('acts as slipway; may api; ends on') },
    { state: 'warning', what: 'GITLAB_CLONE_TOKEN does more than it should' },
    { state: 'warning', what: expect.stringContaining('GITLAB_CLONE_TOKEN ends') },
    { state: 'well' },
    { state: 'well', what: 'Pods can clone acme/web' },
    { state: 'warning', what: expect.stringContaining('may push, too') },
  ]);
  const ahead = await check(() => new Date(Date.now() + 5 * 60_000));
  expect(ahead[0]).toMatchObject({ state: 'broken', what: expect.stringMatching(/(299|300|301) s ahead of/) });
  const wrong = gitLabSetup({
    url: host.url,
    token: 'glpat-x',
    cloneToken: 'glpat-x',
    webhookSecrets: ['a-secret-of-16-chars'],
  });
  const refused = await findings(
    checkGitHost({
      setup: wrong,
      host: await wrong.createHost(),
      repository: undefined,
      clock: { now: () => new Date() },
    }),
  );
  expect(refused).toMatchObject([
    { state: 'well' },
    { state: 'broken', what: 'GITLAB_TOKEN does not work', why: expect.stringContaining('401') },
    { state: 'broken' },
  ]);
});

it('tells webhooks that are missing or changed, and deliveries that were refused', async () => {
  const { host, token } = await gitLab();
  const settings = { GITLAB_URL: host.url, GITLAB_TOKEN: token, GITLAB_CLONE_TOKEN: token };
  const { connect, connections, inUse, place, clock } = await connectWorld('gitlab', settings);
  const refusing = await serving((_request, response) => response.writeHead(401).end());
  const check = () => {
    const places = inUse.setup('gitlab')?.places?.();
    if (places === undefined) throw new TypeError('GitLab is not set up');
    const url = `${place.url}/webhooks/gitlab`;
    return findings(checkConnections({ provider: 'gitlab', places, connections, url, clock }));
  };
  place.url = refusing;
  await connect('acme');
  expect(await check()).toMatchObject([
    { state: 'well', what: '1 repository is seen' },
    { state: 'well', what: '1 of 1 webhook is as it should be' },
  ]);
  const clone = await temporaryFolder();
  await git(clone, 'init', '--quiet', '--initial-branch=main');
  await commitFile(clone, 'a.txt', 'one', 'First');
  await git(
    clone,
    'push',
    '--quiet',
    `${host.url}/acme/web.git`.replace('://', `://ann:${host.createToken('ann')}@`),
    'main',
  );
  await host.webhooksSent();
  expect((await check()).at(-1)).toMatchObject({
    state: 'broken',
    what: 'The last delivery of acme/web was refused',
    why: expect.stringContaining('secrets differ'),
    fix: expect.stringContaining('slipway connect gitlab acme'),
  });
  host.switchHooksOff('acme', 'web');
  expect(await check()).toContainEqual(
    expect.objectContaining({ state: 'broken', what: 'The webhook of acme/web is not as it should be' }),
  );
});

it('compares an App and its installations with what app.yml lists', async () => {
  const { host, app, receiver } = await startWorld();
  const setup = gitHubSetup({
    appId: app.appId,
    privateKey: app.privateKey,
    webhookSecrets: ['a-secret-of-16-chars'],
    baseUrl: host.apiUrl,
  });
  const wanted = { permissions: appPermissions, events: appEvents };
  const check = (needed: Parameters<typeof checkApp>[0]['wanted'], url = receiver.url) => {
    const hostApp = setup.app?.();
    if (hostApp === undefined) throw new TypeError('no App');
    return findings(checkApp({ provider: 'github', app: hostApp, wanted: needed, url }));
  };
  await host.webhooksSent();
  const good = await check(wanted);
  expect(good.map(({ subject, state }) => [subject, state])).toEqual([
    ['github', 'well'],
    ['github', 'well'],
    ['github acme', 'well'],
    ['github acme', 'well'],
  ]);
  const more = await check(
    { permissions: { ...appPermissions, pages: 'write' }, events: [...appEvents, 'workflow_run'] },
    'https://slipway.example/webhooks/github',
  );
  expect(more.filter(({ state }) => state === 'broken').map(({ what }) => what)).toEqual([
    'Slipway does not ask for pages: write',
    'Slipway does not hear of workflow_run',
    'The webhook of Slipway goes elsewhere',
    'It does not grant pages: write',
  ]);
  host.changeInstallation(app.slug, 'acme', 'suspend');
  receiver.answerWith(401);
  await host.webhooksSent();
  expect(await check(wanted)).toContainEqual(
    expect.objectContaining({ state: 'warning', what: 'The installation is suspended' }),
  );
});

it('says what signs nobody in, and which address the host has to know', async () => {
  const address = 'https://slipway.example/sign-in/gitlab/done';
  const config = { url: 'https://gitlab.example', token: 't', cloneToken: 'c', webhookSecrets: ['s'.repeat(20)] };
  const variables = ['GITLAB_CLIENT_ID', 'GITLAB_CLIENT_SECRET'] as const;
  const look = (setup: ReturnType<typeof gitLabSetup>) =>
    findings(checkSignIn({ provider: 'gitlab', setup, variables, address }));
  const [missing] = await look(gitLabSetup(config));
  expect(missing).toMatchObject({ state: 'warning' });
  expect(missing?.why).toContain('GITLAB_CLIENT_ID and GITLAB_CLIENT_SECRET');
  expect(missing?.fix).toContain(address);
  const [there] = await look(gitLabSetup({ ...config, client: { clientId: 'id', clientSecret: 'secret' } }));
  expect(there).toMatchObject({ state: 'well' });
});
