import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { freePort } from '../../../app/embedded/free-port.ts';

const run = promisify(execFile);
const tool = join(import.meta.dirname, '../../../../shared/tools/gitea');

/** Why there is no Gitea to run on, or undefined when there is one. */
export const withoutGitea: string | undefined =
  process.env['GITEA_URL'] !== undefined || existsSync(join(tool, 'up'))
    ? undefined
    : 'neither GITEA_URL nor a Gitea to start';

export interface GiteaPerson {
  readonly login: string;
  readonly token: string;
}

/** A Gitea that nobody here wrote, with an administrator, our bot, and two people. */
export interface RealGitea {
  readonly url: string;
  readonly admin: GiteaPerson;
  readonly bot: GiteaPerson;
  readonly dev: GiteaPerson;
  readonly outsider: GiteaPerson;
  /** As somebody, by the REST API. @throws Error naming what was answered */
  ask<T>(by: GiteaPerson, schema: z.ZodType<T>, method: string, path: string, body?: unknown): Promise<T>;
  /** A token with fewer rights than the bot's own. */
  botToken(scopes: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/** The one that the environment names (`GITEA_URL`, `GITEA_{ADMIN,BOT,DEV,OUTSIDER}_{USER,TOKEN}`), else one of its own. */
export async function realGitea(): Promise<RealGitea> {
  const named = process.env['GITEA_URL'] !== undefined;
  const home = named ? undefined : mkdtempSync(join(tmpdir(), 'slipway-gitea-'));
  const own = { GITEA_HOME: home ?? '', GITEA_PORT: String(await freePort()) };
  const variables = new Map(Object.entries(process.env));
  if (home !== undefined) {
    const { stdout } = await run(join(tool, 'up'), { env: { ...process.env, ...own } });
    for (const line of stdout.split('\n')) variables.set(line.split('=')[0] ?? '', line.split('=').slice(1).join('='));
  }
  const get = (name: string): string => {
    const value = variables.get(name);
    if (value === undefined || value === '') throw new Error(`${name} is not set`);
    return value;
  };
  const url = get('GITEA_URL');
  const person = (role: string) => ({ login: get(`GITEA_${role}_USER`), token: get(`GITEA_${role}_TOKEN`) });
  const bot = person('BOT');

  async function call<T>(authorization: string, schema: z.ZodType<T>, method: string, path: string, body?: unknown) {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 300)}`);
    return schema.parse(text === '' ? undefined : JSON.parse(text));
  }

  return {
    url,
    admin: person('ADMIN'),
    bot,
    dev: person('DEV'),
    outsider: person('OUTSIDER'),
    ask: (by, schema, method, path, body) => call(`token ${by.token}`, schema, method, path, body),
    async botToken(scopes) {
      const basic = `Basic ${Buffer.from(`${bot.login}:${bot.token}`).toString('base64')}`;
      const made = { name: `test-${process.hrtime.bigint()}`, scopes };
      const { sha1 } = await call(basic, z.object({ sha1: z.string() }), 'POST', `/users/${bot.login}/tokens`, made);
      return sha1;
    },
    async stop() {
      if (home === undefined) return;
      await run(join(tool, 'down'), { env: { ...process.env, ...own } });
      await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
