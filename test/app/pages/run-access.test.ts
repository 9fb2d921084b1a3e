import { beforeEach, expect, it } from 'vitest';
import { RunAccess } from '../../../app/pages/run-access.ts';
import type { Permission } from '../../../providers/git-host.ts';
import { gitLabCapabilities } from '../../../providers/gitlab/adapter.ts';
import { rulesWorld } from '../conversation/rules-world.ts';

const apiUrl = 'https://git.example/api';
const reader = { type: 'person', provider: 'any', host: apiUrl, login: 'reader' } as const;

let now: Date;
let isAt: string | undefined;
let permission: Permission;
let asked: number;
let access: RunAccess;
let repository: Parameters<RunAccess['mayRead']>[1];

beforeEach(async () => {
  const world = await rulesWorld(gitLabCapabilities);
  ({ repository } = world);
  [now, isAt, permission, asked] = [new Date('2030-01-01T00:00:00Z'), apiUrl, 'read', 0];
  world.host.permissionOf = async () => {
    asked += 1;
    return permission;
  };
  access = new RunAccess({ hosts: () => world.host, apiUrl: () => isAt, clock: { now: () => now } });
});

it('asks the host once in half a minute, and shows nothing any more to whose right was taken back', async () => {
  expect(await access.mayRead(reader, repository)).toBe(true);
  permission = 'none';
  now = new Date(now.getTime() + 29_999);
  expect(await access.mayRead(reader, repository)).toBe(true);
  expect(asked).toBe(1);
  now = new Date(now.getTime() + 1);
  expect(await access.mayRead(reader, repository)).toBe(false);
});

it('takes nobody for the one who has the same login at another host, nor at one that took its place', async () => {
  expect(await access.mayRead({ ...reader, provider: 'other' }, repository)).toBe(false);
  expect(await access.mayRead({ ...reader, host: 'https://elsewhere.example/api' }, repository)).toBe(false);
  expect(await access.mayRead(reader, repository)).toBe(true);
  isAt = 'https://new.example/api';
  expect(await access.mayRead(reader, repository)).toBe(false);
  isAt = undefined;
  expect(await access.mayRead(reader, repository)).toBe(false);
});

it('shows nothing where the host cannot be asked', async () => {
  access = new RunAccess({
    hosts: () => {
      throw new RangeError('No Git host is set up');
    },
    apiUrl: () => apiUrl,
    clock: { now: () => now },
  });
  await expect(access.mayRead(reader, repository)).rejects.toThrow('No Git host');
});
