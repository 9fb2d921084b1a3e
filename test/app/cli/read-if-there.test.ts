import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readIfThere } from '../../../app/cli/read-if-there.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-read-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('reads a file, and finds none where there is none', async () => {
  writeFileSync(join(folder, 'there'), 'text');
  symlinkSync('nowhere', join(folder, 'dangling'));
  expect(await readIfThere(join(folder, 'there'), 'mend it')).toBe('text');
  expect(await readIfThere(join(folder, 'missing'), 'mend it')).toBeUndefined();
  expect(await readIfThere(join(folder, 'dangling'), 'mend it')).toBeUndefined();
});

it.each([
  { what: 'a pipe that nobody writes', make: (file: string) => execFileSync('mkfifo', [file]), why: /no plain file/ },
  { what: 'a link to a device', make: (file: string) => symlinkSync('/dev/zero', file), why: /no plain file/ },
  { what: 'a folder', make: (file: string) => mkdirSync(file), why: /it is a folder/ },
  {
    what: 'a huge file',
    make: (file: string) => {
      writeFileSync(file, '');
      truncateSync(file, 2 ** 33);
    },
    why: /larger than 16 MiB/,
  },
])('says of $what why it cannot be read, and waits for nothing', async ({ make, why }) => {
  const file = join(folder, 'it');
  make(file);
  await expect(readIfThere(file, 'mend it')).rejects.toThrow(why);
});
