import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { WorkingCopy } from '../../app/embedded/working-copy.ts';
import type { KillableSlipway } from './killable-slipway.ts';

const waitMs = 60_000;
const pull = z.object({ number: z.number() });
const merged = z.object({ sha: z.string() });
const comments = z.array(z.object({ id: z.number(), body: z.string() }));
const checks = z.object({
  check_runs: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      conclusion: z.string().nullable(),
      output: z.object({ title: z.string().nullable() }),
    }),
  ),
});

/** Changes that the developer `dev` merges at the Git host of a Slipway that is killed, and what is asked about them. */
export async function approvalWorld(slipway: KillableSlipway) {
  const hostFile = (name: string) => readFileSync(join(slipway.dataDir, 'git-host', name), 'utf8').trim();
  const token = readFileSync(join(slipway.dataDir, 'developer-token'), 'utf8').trim();
  const copy = await WorkingCopy.create(join(slipway.dataDir, 'copy'), {
    url: `http://127.0.0.1:${hostFile('port')}/acme/hello.git`,
    login: 'dev',
    token,
    email: 'dev@example.com',
  });

  async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${hostFile('port')}/api/v3/repos/acme/hello${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }

  async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      if (performance.now() > deadline) throw new Error(`It did not happen in time: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  const prompts = async (number: number) =>
    comments
      .parse(await ask('GET', `/issues/${number}/comments?per_page=100`))
      .filter(({ body }) => body.startsWith('<!-- slipway prompt'));
  const checksOf = async (sha: string, name: string) =>
    checks
      .parse(await ask('GET', `/commits/${sha}/check-runs?per_page=100&filter=all`))
      .check_runs.filter((check) => check.name === `slipway / ${name}`);

  return {
    copy,
    ask,
    until,
    prompts,
    checksOf,
    async mergedPull(branch: string, files: Readonly<Record<string, string>>) {
      await copy.pullMain();
      await copy.push(branch, files, `Change ${branch}`);
      const title = `A change: ${branch}`;
      const { number } = pull.parse(await ask('POST', '/pulls', { title, head: branch, base: 'main', body: '' }));
      const { sha } = merged.parse(await ask('PUT', `/pulls/${number}/merge`, {}));
      return { number, sha };
    },
    /** The newest prompt, once there is one. */
    prompt: (number: number) => until('a prompt', async () => (await prompts(number)).at(-1)),
    say: (number: number, body: string) => ask('POST', `/issues/${number}/comments`, { body }),
    ended: (sha: string, name: string, conclusion: string) =>
      until(`${name} to be ${conclusion}`, async () => (await checksOf(sha, name)).at(-1)?.conclusion === conclusion),
  };
}

export type ApprovalWorld = Awaited<ReturnType<typeof approvalWorld>>;
