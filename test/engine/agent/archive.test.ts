import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Header, type HeaderData } from 'tar';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { unpack } from '../../../engine/agent/archive.ts';

let outside: string;
let folder: string;
beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'slipway-archive-'));
  folder = join(outside, 'workspace');
  mkdirSync(folder);
});
afterEach(() => rmSync(outside, { recursive: true, force: true }));

/** A tar file as no honest packer writes it: each entry a header, and a byte where it is a file. */
async function* archive(...entries: readonly HeaderData[]): AsyncIterable<Uint8Array> {
  for (const entry of entries) {
    const isFile = entry.type === undefined || entry.type === 'File';
    const header = new Header({ mode: 0o644, type: 'File', size: isFile ? 1 : 0, ...entry });
    const block = Buffer.alloc(isFile ? 1_024 : 512);
    header.encode(block, 0);
    if (isFile) block.write('x', 512);
    yield block;
  }
  yield Buffer.alloc(1_024);
}

it.each<{ what: string; entries: (to: string) => HeaderData[] }>([
  { what: 'a path that climbs out', entries: () => [{ path: '../evil' }] },
  { what: 'an absolute path', entries: (to) => [{ path: `${to}/evil` }] },
  {
    what: 'a link out and a file behind it',
    entries: (to) => [{ path: 'l', type: 'SymbolicLink', linkpath: to }, { path: 'l/evil' }],
  },
  {
    what: 'a link up and a file behind it',
    entries: () => [{ path: 'l', type: 'SymbolicLink', linkpath: '..' }, { path: 'l/evil' }],
  },
  {
    what: 'a hard link to a file outside',
    entries: () => [{ path: 'evil', type: 'Link', linkpath: '../../../../../etc/passwd' }],
  },
  { what: 'a device', entries: () => [{ path: 'evil', type: 'CharacterDevice' }] },
  { what: 'a pipe', entries: () => [{ path: 'evil', type: 'FIFO' }] },
  { what: 'a size that nothing follows', entries: () => [{ path: 'evil', size: 8 * 2 ** 30 }] },
])('refuses an archive with $what, and leaves nothing outside', async ({ entries }) => {
  await expect(unpack(folder, archive(...entries(outside)))).rejects.toThrow();
  expect(existsSync(join(outside, 'evil'))).toBe(false);
});

it('refuses what is no archive', async () => {
  async function* junk() {
    yield Buffer.alloc(5_000, 0xff);
  }
  await expect(unpack(folder, junk())).rejects.toThrow();
});

it('makes no file run as somebody else', async () => {
  await unpack(folder, archive({ path: 'tool', mode: 0o6755 }));
  expect(statSync(join(folder, 'tool')).mode & 0o7777).toBe(0o755);
});
