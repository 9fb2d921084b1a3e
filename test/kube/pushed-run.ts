import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { WorkingCopy } from '../../app/embedded/working-copy.ts';
import { machineAddress } from './real-cluster.ts';

const checkRuns = z.object({
  check_runs: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      conclusion: z.string().nullable(),
      output: z.object({ summary: z.string().nullable() }),
    }),
  ),
});
export type Checks = Readonly<Record<string, { readonly conclusion: string | null; readonly summary: string }>>;

/** The sample repository of a Slipway's embedded Git host, as a developer sees it. */
export class PushedRuns {
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  #kept(...path: string[]): string {
    return readFileSync(join(this.#dataDir, ...path), 'utf8').trim();
  }

  get #url(): string {
    return `http://${machineAddress}:${this.#kept('git-host', 'port')}`;
  }

  /** @returns a clone under this name */
  copy(name: string): Promise<WorkingCopy> {
    return WorkingCopy.create(join(this.#dataDir, name), {
      url: `${this.#url}/acme/hello.git`,
      login: 'dev',
      token: this.#kept('developer-token'),
      email: 'dev@example.com',
    });
  }

  async checks(sha: string): Promise<z.infer<typeof checkRuns>['check_runs']> {
    const response = await fetch(`${this.#url}/api/v3/repos/acme/hello/commits/${sha}/check-runs?per_page=100`, {
      headers: { authorization: `Bearer ${this.#kept('developer-token')}` },
    });
    return checkRuns.parse(await response.json()).check_runs;
  }

  /** Waits until the checks are so. */
  async until(
    sha: string,
    isSo: (checks: z.infer<typeof checkRuns>['check_runs']) => boolean,
    withinMs = 60_000,
  ): Promise<void> {
    const deadline = Date.now() + withinMs;
    for (let checks = await this.checks(sha); !isSo(checks); checks = await this.checks(sha)) {
      if (Date.now() > deadline) throw new Error(`Not so in time: ${JSON.stringify(checks)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Waits until this many checks are there and all have ended. @throws Error naming those that are open */
  async ended(sha: string, count: number, withinMs: number): Promise<Checks> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const checks = await this.checks(sha);
      if (checks.length >= count && checks.every(({ status }) => status === 'completed')) {
        return Object.fromEntries(
          checks.map(({ name, conclusion, output }) => [name, { conclusion, summary: output.summary ?? '' }]),
        );
      }
      if (Date.now() > deadline) throw new Error(`Not ended: ${JSON.stringify(checks)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
