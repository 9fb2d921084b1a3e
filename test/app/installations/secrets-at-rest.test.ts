import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { gitHostFromSettings } from '../../../app/git-hosts.ts';
import { GitHostsInUse } from '../../../app/installations/git-hosts-in-use.ts';
import { type Sealer, sealerOf } from '../../../app/installations/sealing.ts';
import { StoredGitHosts } from '../../../app/installations/stored-git-hosts.ts';
import type { Database } from '../../../engine/ports/database.ts';
import { testDatabase } from '../embedded/database/test-database.ts';

const newKey = () => randomBytes(32).toString('base64url');
const secret = 'glpat-a-very-secret-token';
const settings = {
  GITLAB_URL: 'https://gitlab.example',
  GITLAB_TOKEN: secret,
  GITLAB_CLONE_TOKEN: 'another',
  GITLAB_WEBHOOK_SECRET: 'webhook-secret-of-16',
};

function storeOf(database: Database, sealer: Sealer | undefined): StoredGitHosts {
  return new StoredGitHosts({ database, sealer, clock: { now: () => new Date(0) } });
}

async function inUseOf(
  database: Database,
  sealer: Sealer,
  fixed: readonly ReturnType<typeof gitHostFromSettings>[] = [],
) {
  const lines: string[] = [];
  const inUse = new GitHostsInUse({
    fixed,
    stored: storeOf(database, sealer),
    setUp: gitHostFromSettings,
    guard: (host) => host,
    now: () => new Date(0),
    log: pino({}, { write: (line: string) => void lines.push(line) }),
  });
  await inUse.prepare();
  return { inUse, lines };
}

const saved = { provider: 'gitlab', url: 'https://gitlab.example', settings, by: 'operator' };

it('opens what it sealed, and nothing else: not changed, not cut, not as another record', async () => {
  const sealer = await sealerOf([newKey()]);
  const sealed = await sealer.seal('git-hosts/gitlab', secret);
  expect(sealed).not.toContain(secret);
  expect(await sealer.open('git-hosts/gitlab', sealed)).toBe(secret);
  await expect(sealer.open('git-hosts/github', sealed)).rejects.toThrow('belong to another record');
  await fc.assert(
    fc.asyncProperty(fc.nat(sealed.length - 1), fc.constantFrom('A', 'z', '7', '.'), async (at, letter) => {
      const changed = `${sealed.slice(0, at)}${letter}${sealed.slice(at + 1)}`;
      // The last letter of a part has bits that mean nothing.
      const isSame = changed
        .split('.')
        .every((part, index) =>
          Buffer.from(part, 'base64url').equals(Buffer.from(sealed.split('.')[index] ?? '', 'base64url')),
        );
      if (changed.split('.').length === 5 && isSame) return;
      const error: unknown = await sealer.open('git-hosts/gitlab', changed).catch((it: unknown) => it);
      expect(error).toBeInstanceOf(Error);
      expect(String(error)).not.toContain(secret);
    }),
    { numRuns: 300 },
  );
});

it('seals the same twice differently, so that nobody sees that two secrets are equal', async () => {
  const sealer = await sealerOf([newKey()]);
  expect(await sealer.seal('a', secret)).not.toBe(await sealer.seal('a', secret));
});

it.each([[[]], [['short']], [[randomBytes(16).toString('base64url')]]])('takes no key like %j', async (keys) => {
  const error: unknown = await sealerOf(keys).catch((it: unknown) => it);
  expect(String(error)).toContain('is not 32 bytes');
  for (const key of keys) expect(String(error)).not.toContain(key);
});

it('keeps no secret readable in the database, and gives it back to who holds the key', async () => {
  const { database, folder } = testDatabase();
  const sealer = await sealerOf([newKey()]);
  await storeOf(database, sealer).save(saved);
  for (const file of readdirSync(folder)) expect(readFileSync(join(folder, file)).includes(secret), file).toBe(false);
  const found = await storeOf(database, sealer).find('gitlab');
  expect(await found?.settings()).toEqual(settings);
  expect(JSON.stringify(found)).not.toContain(secret);
});

it('reads what an older key sealed, and seals it with the newer one', async () => {
  const { database } = testDatabase();
  const [older, newer] = [newKey(), newKey()];
  await storeOf(database, await sealerOf([older])).save(saved);
  const both = storeOf(database, await sealerOf([newer, older]));
  expect(await (await both.find('gitlab'))?.settings()).toEqual(settings);
  expect(await both.sealAgain()).toBe(1);
  expect(await both.sealAgain()).toBe(0);
  expect(await (await storeOf(database, await sealerOf([newer])).find('gitlab'))?.settings()).toEqual(settings);
  const without = await storeOf(database, await sealerOf([older])).find('gitlab');
  await expect(without?.settings()).rejects.toThrow('a key that is not given any more');
});

it('stores nothing without a key, and says which one to set', async () => {
  await expect(storeOf(testDatabase().database, undefined).save(saved)).rejects.toThrow('SLIPWAY_ENCRYPTION_KEY');
});

it('takes a stored host into use as it is saved, changed and removed, without a restart', async () => {
  const { database } = testDatabase();
  const sealer = await sealerOf([newKey()]);
  const { inUse, lines } = await inUseOf(database, sealer);
  const genuine = (token: string) =>
    inUse.source('gitlab')?.isGenuine('{}', (name) => (name === 'x-gitlab-token' ? token : undefined));
  expect(inUse.source('gitlab')).toBeUndefined();

  await storeOf(database, sealer).save(saved);
  await inUse.refresh();
  expect(await genuine('webhook-secret-of-16')).toBe(true);

  await storeOf(database, sealer).save({
    ...saved,
    settings: { ...settings, GITLAB_WEBHOOK_SECRET: 'the-next-secret-of-it' },
  });
  await inUse.refresh();
  expect(await genuine('webhook-secret-of-16')).toBe(false);
  expect(await genuine('the-next-secret-of-it')).toBe(true);

  await storeOf(database, sealer).remove('gitlab');
  await inUse.refresh();
  expect(() => inUse.host('gitlab')).toThrow('No Git host "gitlab" is set up');
  expect(lines.join('')).not.toMatch(/glpat|secret-of/);
});

it('lets the environment win over what is stored, and says so once', async () => {
  const { database } = testDatabase();
  const sealer = await sealerOf([newKey()]);
  await storeOf(database, sealer).save(saved);
  const fixed = gitHostFromSettings('gitlab', { ...settings, GITLAB_URL: 'https://from-environment.example' });
  const { inUse, lines } = await inUseOf(database, sealer, [fixed]);
  await inUse.refresh();
  const repository = { provider: 'gitlab', tenant: 'gitlab:acme', id: '1', owner: 'acme', name: 'web' };
  expect((await inUse.host('gitlab').cloneAccess(repository)).url).toContain('from-environment.example');
  expect(lines.filter((line) => line.includes('is not used'))).toHaveLength(1);
});

it('goes on with the other hosts when one that is stored cannot be used', async () => {
  const { database } = testDatabase();
  const sealer = await sealerOf([newKey()]);
  await storeOf(database, sealer).save(saved);
  await storeOf(database, sealer).save({ ...saved, provider: 'github', settings: { GITHUB_APP_ID: 'no number' } });
  const { inUse, lines } = await inUseOf(database, sealer);
  await inUse.refresh();
  expect(inUse.providers()).toEqual(['gitlab']);
  expect(lines.filter((line) => line.includes('cannot be used'))).toHaveLength(1);
  expect(lines.join('')).not.toContain('no number');
});
