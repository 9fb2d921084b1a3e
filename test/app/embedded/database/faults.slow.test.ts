import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { openEmbeddedDatabase } from '../../../../app/embedded/database/embedded-database.ts';
import { mountable } from '../../mountable.ts';

const kills = 20;
const told = z.union([z.object({ kept: z.string() }), z.object({ fatal: z.string(), why: z.string() })]);

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'slipway-db-faults-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function write(file: string): { readonly child: ChildProcess; readonly kept: string[]; readonly faults: string[] } {
  const child = fork(join(import.meta.dirname, 'writer-process.ts'), [file], { stdio: 'ignore' });
  const kept: string[] = [];
  const faults: string[] = [];
  child.on('message', (message) => {
    const parsed = told.parse(message);
    if ('kept' in parsed) kept.push(parsed.kept);
    else faults.push(`${parsed.fatal}: ${parsed.why}`);
  });
  return { child, kept, faults };
}

async function idsIn(file: string): Promise<ReadonlySet<string>> {
  const database = openEmbeddedDatabase({ file, onFatal: () => undefined });
  const found = await database.collection<{ _id: string }>('notes').find({}).toArray();
  await database.close();
  return new Set(found.map(({ _id }) => _id));
}

it(`loses nothing that was acknowledged when it is killed at ${kills} moments`, async () => {
  const file = join(folder(), 'test.db');
  const acknowledged: string[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    const { child, kept } = write(file);
    while (kept.length < 5 + Math.random() * 200) await once(child, 'message');
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    acknowledged.push(...kept);
  }
  const there = await idsIn(file);
  expect(acknowledged.filter((id) => !there.has(id))).toEqual([]);
  expect(acknowledged.length).toBeGreaterThan(kills * 5);
});

it('refuses a second process with words, and lets it in once the first has ended', async () => {
  const file = join(folder(), 'test.db');
  const { child, kept } = write(file);
  while (kept.length === 0) await once(child, 'message');
  expect(() => openEmbeddedDatabase({ file, onFatal: () => undefined })).toThrow(
    expect.objectContaining({ code: 'conflict', fix: expect.stringMatching(/./) }),
  );
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  expect((await idsIn(file)).size).toBeGreaterThan(0);
});

it.skipIf(mountable !== undefined)(
  `stops when the disk is full, and keeps all it acknowledged${mountable === undefined ? '' : ` (skipped: ${mountable})`}`,
  async () => {
    const disk = join(folder(), 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
    onTestFinished(() => void execFileSync('umount', ['-l', disk]));
    const file = join(disk, 'test.db');
    const { child, kept, faults } = write(file);
    const [code] = await once(child, 'exit');
    expect(code).toBe(70);
    expect(faults.join()).toMatch(/^unavailable: .*full/);
    // Room again, as an operator would make it; the files move with all they hold.
    execFileSync('mount', ['-o', 'remount,size=64m', disk]);
    const there = await idsIn(file);
    expect(kept.filter((id) => !there.has(id))).toEqual([]);
    expect(kept.length).toBeGreaterThan(0);
  },
);
