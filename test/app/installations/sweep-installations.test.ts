import { pino } from 'pino';
import { expect, it } from 'vitest';
import { gitHostFromSettings } from '../../../app/git-hosts.ts';
import { GitHostsInUse } from '../../../app/installations/git-hosts-in-use.ts';
import { Installations } from '../../../app/installations/installations.ts';
import { StoredGitHosts } from '../../../app/installations/stored-git-hosts.ts';
import { SweepInstallations } from '../../../app/installations/sweep-installations.ts';
import { gitHubSetup } from '../../../providers/github/setup.ts';
import { ask } from '../../providers/contract-repository.ts';
import { testDatabase } from '../embedded/database/test-database.ts';
import { startWorld } from '../embedded/git-host/running-host.ts';

/** An App on the embedded host, whose webhooks nobody listens to. */
async function world() {
  const { host, app, installationId } = await startWorld();
  const { database } = testDatabase();
  const clock = { now: () => new Date() };
  const log = pino({ level: 'silent' });
  const installations = new Installations({ database, clock });
  await installations.prepare();
  const { appId, privateKey } = app;
  const inUse = new GitHostsInUse({
    fixed: [gitHubSetup({ appId, privateKey, webhookSecrets: ['a-secret-of-16-chars'], baseUrl: host.apiUrl })],
    stored: new StoredGitHosts({ database, sealer: undefined, clock }),
    setUp: gitHostFromSettings,
    guard: (each) => each,
    now: clock.now,
    log,
  });
  await inUse.prepare();
  const stops: unknown[] = [];
  const told: string[] = [];
  const sweep = new SweepInstallations({
    inUse,
    installations,
    follow: async (event) => {
      told.push(event.change.type);
      stops.push(...(await installations.apply(event)));
    },
    log,
  });
  const tenant = `github:${installationId}`;
  return { host, app, tenant, installations, stops, told, sweep: () => sweep.sweep() };
}

it('finds an installation that nobody told of, with what it grants and the repositories in it, once', async () => {
  const { sweep, installations, tenant, told, host } = await world();
  await sweep();
  expect(told).toEqual(['installed', 'repositories_changed']);
  expect(await installations.all()).toMatchObject([
    { tenant, account: 'acme', state: 'active', permissions: { checks: 'write' } },
  ]);
  expect(await installations.repositoriesOf(tenant)).toMatchObject([{ owner: 'acme', name: 'web', isGone: false }]);
  await sweep();
  expect(told).toHaveLength(2);
  await host.createRepository('acme', 'shop');
  await sweep();
  expect((await installations.repositoriesOf(tenant)).map(({ name }) => name).sort()).toEqual(['shop', 'web']);
});

it('stops work where it was suspended or removed while nobody listened, and lets it go on afterwards', async () => {
  const { sweep, installations, tenant, stops, host, app } = await world();
  await sweep();
  const [repository] = await installations.repositoriesOf(tenant);
  if (repository === undefined) throw new TypeError('no repository');
  host.changeInstallation(app.slug, 'acme', 'suspend');
  await sweep();
  expect(stops).toEqual([{ tenant, reason: 'the installation on acme was suspended' }]);
  expect(installations.whyNot(repository)).toBe('the installation on acme was suspended');
  host.changeInstallation(app.slug, 'acme', 'unsuspend');
  await sweep();
  expect(installations.whyNot(repository)).toBeUndefined();
  host.changeInstallation(app.slug, 'acme', 'delete');
  await sweep();
  expect(installations.whyNot(repository)).toBe('the installation on acme was removed');
  expect(stops).toHaveLength(2);
  await sweep();
  expect(stops).toHaveLength(2);
});

it('finds other permissions, and another name of a repository', async () => {
  const { sweep, installations, tenant, told, host } = await world();
  await sweep();
  told.length = 0;
  await host.registerApp({
    name: 'Slipway',
    owner: 'acme',
    webhookUrl: 'http://127.0.0.1:9/',
    webhookSecret: 's3cret',
    events: [],
    permissions: { checks: 'read', metadata: 'read' },
  });
  host.addCollaborator('acme', 'web', 'ann', 'admin');
  await ask(`${host.apiUrl}/repos/acme/web`, host.createToken('ann'), { method: 'PATCH', body: { name: 'website' } });
  await sweep();
  expect(told.sort()).toEqual(['permissions_changed', 'repository_renamed']);
  expect((await installations.all())[0]?.permissions).toEqual({ checks: 'read', metadata: 'read' });
  expect(await installations.repositoriesOf(tenant)).toMatchObject([{ name: 'website', isGone: false }]);
});

it('takes nothing for removed while the host does not answer', async () => {
  const { sweep, installations, tenant, host } = await world();
  await sweep();
  host.faults.set({ status: 502 });
  await expect(sweep()).rejects.toMatchObject({ code: 'unavailable' });
  expect(await installations.all()).toMatchObject([{ tenant, state: 'active' }]);
});
