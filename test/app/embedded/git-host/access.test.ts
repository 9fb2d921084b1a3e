import { expect, it } from 'vitest';
import {
  appOctokit,
  commitFile,
  git,
  installationOctokit,
  octokitWith,
  startWorld,
  statusOf,
  type World,
} from './running-host.ts';

const at = { owner: 'acme', repo: 'web' };

async function pushed(world: World): Promise<string> {
  const sha = await commitFile(world.clone, 'a.txt', 'one\n', 'Start');
  await git(world.clone, 'push', '--quiet', 'origin', 'main');
  return sha;
}

async function api(world: World, path: string, authorization: string): Promise<Response> {
  return await fetch(`${world.host.apiUrl}${path}`, { headers: { authorization } });
}

it('hides a private repository from strangers, and refuses pushes of those who only read', async () => {
  const world = await startWorld();
  await pushed(world);
  world.host.createUser('eve');
  const eve = octokitWith(world.host, world.host.createToken('eve'));
  expect(await statusOf(eve.rest.repos.get(at))).toBe(404);
  expect((await fetch(`${world.host.apiUrl}/repos/acme/web`)).status).toBe(404);
  expect(await statusOf(octokitWith(world.host, 'ghp_wrong').rest.repos.get(at))).toBe(401);

  const bobUrl = world.repository.cloneUrl.replace('://', `://bob:${world.bobToken}@`);
  await expect(git(world.clone, 'push', bobUrl, 'HEAD:refs/heads/bob')).rejects.toThrow(/403|denied|not found/i);
  const bare = await fetch(`${world.repository.cloneUrl}/info/refs?service=git-upload-pack`);
  expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('Basic')]);
  const { data } = await octokitWith(world.host, world.annToken).rest.repos.getCollaboratorPermissionLevel({
    ...at,
    username: 'bob',
  });
  expect(data.permission).toBe('read');
});

it('only an App writes checks, only its own, and within its token’s narrowed rights', async () => {
  const world = await startWorld();
  const sha = await pushed(world);
  const check = { ...at, name: 'test', head_sha: sha };
  expect(await statusOf(octokitWith(world.host, world.annToken).rest.checks.create(check))).toBe(403);
  expect(await statusOf(installationOctokit(world).rest.checks.create({ ...check, head_sha: 'a'.repeat(40) }))).toBe(
    422,
  );

  const { data: narrowed } = await appOctokit(world).rest.apps.createInstallationAccessToken({
    installation_id: world.installationId,
    repositories: ['web'],
    permissions: { contents: 'read' },
  });
  expect(narrowed.token).toMatch(/^ghs_/);
  expect(new Date(narrowed.expires_at).getTime() - Date.now()).toBeGreaterThan(59 * 60_000);
  const reader = octokitWith(world.host, narrowed.token);
  expect((await reader.rest.repos.getContent({ ...at, path: 'a.txt' })).status).toBe(200);
  expect(await statusOf(reader.rest.checks.create(check))).toBe(403);
  await git(world.clone, 'fetch', world.repository.cloneUrl.replace('://', `://x-access-token:${narrowed.token}@`));
  const beyond = { installation_id: world.installationId, permissions: { administration: 'write' } as const };
  expect(await statusOf(appOctokit(world).rest.apps.createInstallationAccessToken(beyond))).toBe(422);

  await world.host.createRepository('acme', 'other', { private: true });
  expect(await statusOf(reader.rest.repos.get({ owner: 'acme', repo: 'other' }))).toBe(404);
});

it('refuses an App’s JWT that is forged, too long-lived or of no App', async () => {
  const world = await startWorld();
  const { createPrivateKey, generateKeyPairSync } = await import('node:crypto');
  const { SignJWT } = await import('jose');
  const now = Math.floor(Date.now() / 1000);
  const own = createPrivateKey(world.app.privateKey);
  const { privateKey: other } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwt = async (key: typeof own, issuer: string, seconds: number): Promise<string> =>
    await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer(issuer)
      .setIssuedAt(now)
      .setExpirationTime(now + seconds)
      .sign(key);
  const id = String(world.app.appId);
  const statuses = await Promise.all(
    [
      await jwt(own, id, 500),
      await jwt(own, world.app.clientId, 500),
      await jwt(other, id, 500),
      await jwt(own, id, 3600),
      await jwt(own, id, -60),
      await jwt(own, '999999', 500),
    ].map(async (token) => (await api(world, '/app', `Bearer ${token}`)).status),
  );
  expect(statuses).toEqual([200, 200, 401, 401, 401, 401]);
});

it('keeps GitHub’s limits on checks', async () => {
  const world = await startWorld();
  const sha = await pushed(world);
  const { rest } = installationOctokit(world);
  const base = { ...at, name: 'test', head_sha: sha };
  const annotation = { path: 'a.txt', start_line: 1, end_line: 1, annotation_level: 'notice', message: 'm' } as const;
  const output = (extra: object) => ({ title: 't', summary: 's', ...extra });
  expect(await statusOf(rest.checks.create({ ...base, output: output({ summary: 'é'.repeat(32_768) }) }))).toBe(422);
  expect(
    await statusOf(rest.checks.create({ ...base, output: output({ annotations: Array(51).fill(annotation) }) })),
  ).toBe(422);
  expect(await statusOf(rest.checks.create({ ...base, status: 'completed' }))).toBe(422);
  expect(await statusOf(rest.checks.create({ ...base, details_url: 'javascript:alert(1)' }))).toBe(422);
  const tooLong = [{ label: 'x'.repeat(21), description: 'd', identifier: 'i' }];
  expect(await statusOf(rest.checks.create({ ...base, actions: tooLong }))).toBe(422);

  const { data: run } = await rest.checks.create({
    ...base,
    output: output({ annotations: Array(50).fill(annotation) }),
  });
  const more = { ...at, check_run_id: run.id, output: output({ annotations: Array(10).fill(annotation) }) };
  const { data: grown } = await rest.checks.update(more);
  expect(grown.output.annotations_count).toBe(60);
  const { data: second } = await rest.checks.listAnnotations({ ...at, check_run_id: run.id, per_page: 50, page: 2 });
  expect(second).toHaveLength(10);
  await rest.checks.update({ ...at, check_run_id: run.id, conclusion: 'success' });
  expect(await statusOf(rest.checks.update({ ...at, check_run_id: run.id, status: 'in_progress' }))).toBe(422);
});

it('fails as told, counts requests, limits them, and never takes a cookie or a web page’s request', async () => {
  const world = await startWorld();
  await pushed(world);
  const ann = octokitWith(world.host, world.annToken);
  world.host.requests.reset();
  world.host.faults.set({ status: 403, retryAfterSeconds: 7, match: /^GET \/repos/, times: 1 });
  const limited = await api(world, '/repos/acme/web', `Bearer ${world.annToken}`);
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([403, '7']);
  expect((await ann.rest.repos.get(at)).headers['x-ratelimit-limit']).toBe('1000000');
  expect(world.host.requests.byRoute()).toEqual({ 'GET /repos/:owner/:repo': 1 });

  const etag = (await ann.rest.repos.get(at)).headers.etag ?? '';
  const again = await fetch(`${world.host.apiUrl}/repos/acme/web`, {
    headers: { authorization: `Bearer ${world.annToken}`, 'if-none-match': etag },
  });
  expect(again.status).toBe(304);
  const fromPage = await fetch(`${world.host.apiUrl}/repos/acme/web`, {
    headers: { authorization: `Bearer ${world.annToken}`, origin: 'https://evil.example' },
  });
  expect([fromPage.status, fromPage.headers.get('access-control-allow-origin')]).toEqual([403, null]);
});
