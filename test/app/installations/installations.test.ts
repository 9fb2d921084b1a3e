import { expect, it } from 'vitest';
import { guardHost } from '../../../app/installations/guard-host.ts';
import { Installations } from '../../../app/installations/installations.ts';
import type { InstallationChange, InstallationEvent, RepositoryRef } from '../../../engine/core/trigger.ts';
import { createGitLabHost } from '../../../providers/gitlab/adapter.ts';
import { testDatabase } from '../embedded/database/test-database.ts';

const web: RepositoryRef = { provider: 'github', tenant: 'github:7', id: '11', owner: 'acme', name: 'web' };
const shop: RepositoryRef = { ...web, id: '12', name: 'shop' };
const by = { login: 'alice', id: '1' };

function told(change: InstallationChange, facts: Partial<InstallationEvent> = {}): InstallationEvent {
  return { type: 'installation', provider: 'github', tenant: web.tenant, by, account: 'acme', change, ...facts };
}

async function world() {
  const { database } = testDatabase();
  const started = async () => {
    const installations = new Installations({ database, clock: { now: () => new Date(0) } });
    await installations.prepare();
    return installations;
  };
  return { installations: await started(), restarted: started };
}

it('stops all work of a tenant that is suspended or removed, over restarts, and lets it go on afterwards', async () => {
  const { installations, restarted } = await world();
  await installations.apply(told({ type: 'installed', repositories: 'all' }, { permissions: { checks: 'write' } }));
  expect(installations.whyNot(web)).toBeUndefined();
  const reason = 'the installation on acme was suspended by alice';
  expect(await installations.apply(told({ type: 'suspended' }))).toEqual([{ tenant: 'github:7', reason }]);
  expect(installations.whyNot(web)).toBe(reason);
  const again = await restarted();
  expect(again.whyNot(web)).toBe(reason);
  await again.apply(told({ type: 'unsuspended' }));
  expect(again.whyNot(web)).toBeUndefined();
  await again.apply(told({ type: 'removed' }));
  expect((await restarted()).whyNot(web)).toBe('the installation on acme was removed by alice');
  expect(await again.all()).toMatchObject([
    { tenant: 'github:7', account: 'acme', state: 'removed', permissions: { checks: 'write' }, repositories: 'all' },
  ]);
});

it('stops work of a repository that is taken away, and of that one alone', async () => {
  const { installations, restarted } = await world();
  const stops = await installations.apply(told({ type: 'repositories_changed', added: [], removed: [web] }));
  expect(stops).toEqual([
    { tenant: 'github:7', repositoryId: '11', reason: 'acme/web was taken out of the installation' },
  ]);
  const again = await restarted();
  expect(again.whyNot(web)).toBe('acme/web was taken out of the installation');
  expect(again.whyNot(shop)).toBeUndefined();
  await again.apply(told({ type: 'repositories_changed', added: [web], removed: [] }));
  expect((await restarted()).whyNot(web)).toBeUndefined();
});

it('lets nothing cross tenants when a repository is transferred', async () => {
  const { installations } = await world();
  await installations.saw(web);
  const there = { ...web, tenant: 'github:8', owner: 'globex' };
  const change = { type: 'repository_transferred', repository: there, from: 'acme' } as const;
  expect(await installations.apply(told(change, { tenant: 'github:8' }))).toEqual([
    { tenant: 'github:7', repositoryId: '11', reason: 'the repository was moved to globex' },
  ]);
  expect(installations.whyNot(web)).toBe('the repository was moved to globex');
  expect(installations.whyNot(there)).toBeUndefined();
});

it('goes on with a repository that got another name', async () => {
  const { installations } = await world();
  await installations.saw(web);
  const change = { type: 'repository_renamed', repository: { ...web, name: 'website' }, from: 'web' } as const;
  expect(await installations.apply(told(change))).toEqual([]);
  expect(installations.whyNot(web)).toBeUndefined();
});

it('writes down a tenant that nobody told of', async () => {
  const { installations } = await world();
  await installations.saw(web);
  await installations.saw(web);
  expect(await installations.all()).toMatchObject([{ tenant: 'github:7', account: 'acme', state: 'active' }]);
});

it('does not even ask the host where nothing may be done', async () => {
  const { installations } = await world();
  await installations.apply(told({ type: 'suspended' }));
  const host = createGitLabHost({ url: 'http://127.0.0.1:9', token: 'a', cloneToken: 'b' });
  const guarded = guardHost(host, (repository) => installations.whyNot(repository));
  expect(guarded.capabilities).toBe(host.capabilities);
  await expect(guarded.addComment(web, 1, 'hello')).rejects.toMatchObject({
    code: 'denied',
    why: 'the installation on acme was suspended by alice',
  });
  // Another tenant's is asked for, and nobody answers there.
  await expect(guarded.addComment({ ...web, tenant: 'github:8' }, 1, 'hello')).rejects.toMatchObject({
    code: 'unavailable',
  });
});
