import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import type { FaceName } from '../../../app/embedded/git-host/face.ts';
import { startEmbeddedGitHost } from '../../../app/embedded/git-host/git-host.ts';
import { ask } from '../../providers/contract-repository.ts';
import { commitFile, git, temporaryFolder } from '../embedded/git-host/running-host.ts';
import { connectWorld } from './connect-world.ts';

const dayMs = 86_400_000;

async function world(
  face: Exclude<FaceName, 'github'>,
  options: {
    readonly gitLab?: { readonly groupHooks?: boolean; readonly signingTokens?: boolean };
    readonly isOwner?: boolean;
    readonly scopes?: readonly string[];
  } = {},
) {
  const host = await startEmbeddedGitHost({
    dataDir: await temporaryFolder(),
    port: 0,
    log: pino({ level: 'silent' }),
    face,
    ...(options.gitLab === undefined ? {} : { gitLab: options.gitLab }),
  });
  onTestFinished(() => host.stop());
  for (const login of ['slipway', 'cloner', 'ann']) host.createUser(login);
  host.createOrganization('acme', { admins: options.isOwner === true ? ['slipway'] : [] });
  const addRepository = async (name: string) => {
    const { id } = await host.createRepository('acme', name, { private: true });
    if (options.isOwner !== true) host.addCollaborator('acme', name, 'slipway', 'admin');
    host.addCollaborator('acme', name, 'ann', 'write');
    return id;
  };
  for (const name of ['web', 'shop']) await addRepository(name);
  const annToken = host.createToken('ann');
  const token = host.createToken('slipway', options.scopes === undefined ? {} : { scopes: options.scopes });
  const cloneToken = host.createToken('cloner', { scopes: ['read_repository'] });
  const settings: Readonly<Record<string, string>> =
    face === 'gitlab'
      ? { GITLAB_URL: host.url, GITLAB_TOKEN: token, GITLAB_CLONE_TOKEN: cloneToken }
      : {
          BITBUCKET_URL: host.url,
          BITBUCKET_API_URL: host.apiUrl,
          BITBUCKET_EMAIL: 'slipway@example.com',
          BITBUCKET_TOKEN: token,
          BITBUCKET_CLONE_TOKEN: cloneToken,
        };
  const slipway = await connectWorld(face, settings);
  const admin = (path: string, init: { readonly method?: string; readonly body?: object } = {}) =>
    ask(`${host.apiUrl}${path}`, token, init);
  const hooksPath = (name: string) =>
    face === 'gitlab' ? `/projects/acme%2F${name}/hooks` : `/repositories/acme/${name}/hooks`;
  const hooks = async (name: string) => {
    const listed = await admin(hooksPath(name));
    const schema = z.array(z.looseObject({ url: z.string() }));
    return schema.parse(face === 'gitlab' ? listed : z.object({ values: z.unknown() }).parse(listed).values);
  };
  /** Somebody pushes, which webhooks tell of. */
  const push = async (name: string) => {
    const clone = await temporaryFolder();
    await git(clone, 'init', '--quiet', '--initial-branch=main');
    await git(clone, 'remote', 'add', 'origin', `${host.url}/acme/${name}.git`.replace('://', `://ann:${annToken}@`));
    await commitFile(clone, 'a.txt', 'one', 'First');
    await git(clone, 'push', '--quiet', 'origin', 'main');
    await host.webhooksSent();
  };
  return { host, token, cloneToken, settings, ...slipway, admin, hooks, hooksPath, addRepository, push };
}

const did = (steps: readonly { readonly path: string; readonly did: string }[]) =>
  Object.fromEntries(steps.map((step) => [step.path, step.did]));

describe.each(['gitlab', 'bitbucket'] as const)('%s', (face) => {
  it('gives each repository of a place one webhook, and finds nothing to do the second time', async () => {
    const { connect, hooks, place, host } = await world(face);
    expect(did(await connect('acme'))).toEqual({ 'acme/web': 'made', 'acme/shop': 'made' });
    expect(await hooks('web')).toMatchObject([{ url: `${place.url}/webhooks/${face}` }]);
    host.requests.reset();
    expect(did(await connect('acme', { settings: {} }))).toEqual({ 'acme/web': 'nothing', 'acme/shop': 'nothing' });
    expect(Object.keys(host.requests.byRoute()).filter((route) => !route.startsWith('GET'))).toEqual([]);
    expect(await hooks('web')).toHaveLength(1);
  });

  it('makes webhooks whose deliveries Slipway takes for genuine', async () => {
    const { connect, push, taken } = await world(face);
    await connect('acme');
    await push('web');
    expect(taken).toEqual([{ event: face === 'gitlab' ? 'Push Hook' : 'repo:push', isGenuine: true }]);
  });

  it('says what it would do, and does and stores nothing of it', async () => {
    const { connect, hooks, connections, stored } = await world(face);
    expect(did(await connect('acme', { isDryRun: true }))).toEqual({ 'acme/web': 'made', 'acme/shop': 'made' });
    expect(await hooks('web')).toEqual([]);
    expect(await connections.all()).toEqual([]);
    expect(await stored.all()).toEqual([]);
  });

  it('connects one repository alone, and refuses a place inside of another', async () => {
    const { connect, hooks } = await world(face);
    expect(did(await connect('acme/web'))).toEqual({ 'acme/web': 'made' });
    expect(await hooks('shop')).toEqual([]);
    await expect(connect('acme')).rejects.toMatchObject({ code: 'conflict', fix: expect.stringContaining('acme/web') });
  });

  it('puts right what was changed by hand, and what points to an old address', async () => {
    const { connect, hooks, hooksPath, admin, place, settings } = await world(face);
    await connect('acme/web');
    const id = (hook: Record<string, unknown> | undefined) =>
      encodeURIComponent(String(hook?.['id'] ?? hook?.['uuid']));
    const [made] = await hooks('web');
    const less = face === 'gitlab' ? { url: made?.url, note_events: false } : { url: made?.url, active: false };
    await admin(`${hooksPath('web')}/${id(made)}`, { method: 'PUT', body: less });
    await admin(hooksPath('web'), {
      method: 'POST',
      body: { url: made?.url, events: ['repo:push'], push_events: true },
    });
    const [step] = await connect('acme/web');
    expect(step).toMatchObject({ did: 'repaired' });
    expect(step?.because.join()).toMatch(face === 'gitlab' ? 'comments' : 'switched off');
    expect(step?.because.join()).toContain('more than once');
    expect(await hooks('web')).toHaveLength(1);
    place.url = place.url.replace('127.0.0.1', 'localhost');
    const [moved] = await connect('acme/web', { settings });
    expect(moved?.because.join()).toContain('pointed to http://127.0.0.1');
    expect(await hooks('web')).toMatchObject([{ url: `${place.url}/webhooks/${face}` }]);
  });

  it('gives a webhook that somebody else made a secret of its own, and makes labels where they are wanted', async () => {
    const { connect, hooksPath, admin, place, inUse } = await world(face);
    const url = `${place.url}/webhooks/${face}`;
    await admin(hooksPath('web'), { method: 'POST', body: { url, events: ['repo:push'], secret: 'theirs' } });
    const [step] = await connect('acme/web', { makesLabels: true });
    expect(step?.because.join()).toContain('a secret that nobody tells');
    expect((await connect('acme/web', { makesLabels: true }))[0]?.did).toBe('nothing');
    if (face === 'bitbucket') return;
    const labels = z.array(z.object({ name: z.string() })).parse(await admin('/projects/acme%2Fweb/labels'));
    expect(labels.map(({ name }) => name).sort()).toEqual(['hold', 'hotfix', 'skip-deploy']);
    expect(inUse.providers()).toEqual([face]);
  });

  it('finds repositories that come later, without looking again at those it knows', async () => {
    const { connect, sweep, addRepository, hooks, host, clock, errors } = await world(face);
    await connect('acme');
    await addRepository('late');
    host.requests.reset();
    await sweep();
    expect(errors).toEqual([]);
    expect(await hooks('late')).toHaveLength(1);
    // Of the two looks at the new one one is this test's own.
    const looks = () =>
      Object.entries(host.requests.byRoute()).flatMap(([route, count]) => (/^GET .*hooks$/.test(route) ? [count] : []));
    expect(looks().sort()).toEqual([2]);
    clock.ahead = 2 * dayMs;
    host.requests.reset();
    await sweep();
    expect(looks().sort()).toEqual([3]);
  });

  it('waits as long as the host asks, and goes on later where that is too long', async () => {
    const { connect, disconnect, sweep, hooks, host } = await world(face);
    host.faults.set({ status: 429, retryAfterSeconds: 1, match: /hooks/, times: 1 });
    expect(did(await connect('acme/web'))).toEqual({ 'acme/web': 'made' });
    await disconnect('acme/web');
    host.faults.set({ status: 429, retryAfterSeconds: 3_600, match: /hooks/, times: 1 });
    await expect(connect('acme')).rejects.toMatchObject({
      code: 'unavailable',
      why: expect.stringContaining('429'),
      fix: expect.stringContaining('done by itself'),
    });
    expect(await hooks('web')).toEqual([]);
    await sweep();
    expect(await hooks('web')).toHaveLength(1);
    expect(await hooks('shop')).toHaveLength(1);
  });

  it('says where it may not, and does the rest', async () => {
    const { connect, host } = await world(face);
    host.addCollaborator('acme', 'shop', 'slipway', 'write');
    const steps = await connect('acme');
    expect(did(steps)).toEqual({ 'acme/web': 'made', 'acme/shop': 'refused' });
    expect(steps.find(({ path }) => path === 'acme/shop')?.because.join()).toContain('lacks the right');
  });

  it('takes the webhooks away again, with the tokens, and lets that tenant do nothing until it is connected again', async () => {
    const { connect, disconnect, hooks, hooksPath, admin, stored, inUse, installations, connections } =
      await world(face);
    await connect('acme');
    const repository = { tenant: `${face}:acme`, id: '1' };
    await admin(hooksPath('web'), { method: 'POST', body: { url: 'https://other.example/', events: ['repo:push'] } });
    expect(did(await disconnect('acme', 'dry-run'))).toEqual({ 'acme/web': 'removed', 'acme/shop': 'removed' });
    expect(await hooks('web')).toHaveLength(2);
    expect(did(await disconnect('acme'))).toEqual({ 'acme/web': 'removed', 'acme/shop': 'removed' });
    expect(await hooks('web')).toMatchObject([{ url: 'https://other.example/' }]);
    expect(await hooks('shop')).toEqual([]);
    expect([await stored.all(), inUse.providers(), await connections.all()]).toEqual([[], [], []]);
    expect(installations.whyNot(repository)).toContain('removed');
    await expect(disconnect('acme')).rejects.toMatchObject({ code: 'not-found' });
    await connect('acme');
    expect(installations.whyNot(repository)).toBeUndefined();
  });

  it('stores nothing where the token is not taken, or the place is not seen', async () => {
    const { connect, stored, settings } = await world(face);
    const name = face === 'gitlab' ? 'GITLAB_TOKEN' : 'BITBUCKET_TOKEN';
    const wrong = { ...settings, [name]: 'glpat-wrong' };
    await expect(connect('acme', { settings: wrong })).rejects.toMatchObject({
      code: 'denied',
      what: `Trying out ${name}`,
    });
    await expect(connect('globex')).rejects.toMatchObject({ code: 'not-found' });
    const { [name]: _left, ...without } = settings;
    await expect(connect('acme', { settings: without })).rejects.toMatchObject({ why: `${name} is not given` });
    expect(await stored.all()).toEqual([]);
  });

  it('leaves no token and no secret where they can be read', async () => {
    const { connect, folder, lines, token, cloneToken, stored } = await world(face);
    await connect('acme');
    const kept = (await (await stored.find(face))?.settings()) ?? {};
    const secret = Object.entries(kept).find(([name]) => name.endsWith('_SECRET'))?.[1] ?? '';
    expect(secret.length).toBeGreaterThan(60);
    for (const each of [token, cloneToken, ...secret.split(' ')]) {
      for (const file of readdirSync(folder)) expect(readFileSync(join(folder, file)).includes(each), file).toBe(false);
      expect(lines.join('')).not.toContain(each);
    }
  });

  it('puts one webhook on the group itself where it may, in the place of those on repositories', async () => {
    const { connect, host, hooks, sweep, addRepository, push, taken } = await world(face, {
      gitLab: { groupHooks: true },
    });
    expect(did(await connect('acme'))).toEqual({ 'acme/web': 'made', 'acme/shop': 'made' });
    host.createOrganization('acme', { admins: ['slipway'] });
    expect(did(await connect('acme'))).toEqual({ acme: 'made', 'acme/web': 'removed', 'acme/shop': 'removed' });
    expect(await hooks('web')).toEqual([]);
    await addRepository('late');
    await sweep();
    expect(await hooks('late')).toEqual([]);
    await push('late');
    expect(taken).toMatchObject([{ isGenuine: true }]);
  });
});

it('follows the pages of a large group', async () => {
  const { connect, addRepository } = await world('gitlab');
  for (let count = 0; count < 100; count += 1) await addRepository(`service-${count}`);
  expect(await connect('acme', { isDryRun: true })).toHaveLength(102);
}, 60_000);

it('signs with the new kind of secret where GitLab has it, and sends a token where it has not', async () => {
  const { connect, hooks } = await world('gitlab');
  await connect('acme/web');
  expect(await hooks('web')).toMatchObject([{ signing_token_present: true, token_present: false }]);
  const old = await world('gitlab', { gitLab: { signingTokens: false } });
  await old.connect('acme/web');
  expect(await old.hooks('web')).toHaveLength(1);
  expect((await old.connect('acme/web'))[0]?.did).toBe('nothing');
});

it('makes a webhook anew that GitLab switched off', async () => {
  const { connect, hooks, host } = await world('gitlab');
  await connect('acme/web');
  const [before] = await hooks('web');
  host.switchHooksOff('acme', 'web');
  expect((await connect('acme/web'))[0]?.because).toEqual(['was switched off by GitLab after deliveries failed']);
  const [after] = await hooks('web');
  expect(after).toMatchObject({ alert_status: 'executable' });
  expect(after?.['id']).not.toBe(before?.['id']);
});

it('refuses a token of GitLab that may only read, and says what to make', async () => {
  const { connect } = await world('gitlab', { scopes: ['read_api'] });
  await expect(connect('acme')).rejects.toMatchObject({ code: 'denied', fix: expect.stringContaining('scope `api`') });
});
