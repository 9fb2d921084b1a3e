import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startWhole, type WholeSlipway } from '../whole-slipway.ts';

const pipeline = `stages:
  talk:
    image: node:24
    commands: ["for i in $(seq 300); do echo line $i; sleep 0.1; done"]
`;

let folder: string;
let whole: WholeSlipway;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-followed-'));
  whole = await startWhole(folder);
}, 60_000);
afterAll(async () => {
  vi.useRealTimers();
  await whole.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

it('tells no more lines to a page that is open for longer than its session', async () => {
  const running = new Promise<string>((resolve) => {
    whole.slipway.loop.onChange(({ run }) => {
      if (run.stages['talk']?.status === 'running') resolve(run.runId);
    });
  });
  await whole.copy.push('main', { '.slipway.yaml': pipeline }, 'Talk');
  const page = `${whole.slipway.url}/runs/${await running}`;
  const link = await whole.slipway.personLink({ provider: 'github', login: 'dev' }, page);
  const signedIn = await fetch(link ?? '', { redirect: 'manual' });
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
  const followed = await fetch(`${page}/stages/talk/lines?from=0`, { headers: { cookie } });
  let text = '';
  for await (const part of followed.body ?? []) {
    text += new TextDecoder().decode(part);
    // An hour later, for Slipway.
    if (text.includes('line 3<') && !vi.isFakeTimers())
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_001 });
  }
  expect(text).toContain('line 3<');
  expect(text).not.toContain('event: end');
  expect(text).not.toContain('line 200<');
});
