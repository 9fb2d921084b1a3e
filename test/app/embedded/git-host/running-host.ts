import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { ProbotOctokit } from 'probot';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type { FaceName } from '../../../../app/embedded/git-host/face.ts';
import { type EmbeddedGitHost, startEmbeddedGitHost } from '../../../../app/embedded/git-host/git-host.ts';
import { appEvents, appPermissions } from './app-settings.ts';

const run = promisify(execFile);

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'git-host-'));
  onTestFinished(async () => await rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly raw: string;
  readonly event: string;
  readonly action: string | undefined;
  readonly body: Record<string, unknown>;
  readonly isSigned: boolean;
}

const Body = z.record(z.string(), z.unknown());

/** Receives webhooks and checks each signature. */
export async function startReceiver(secret: string): Promise<{
  readonly url: string;
  readonly received: Received[];
  answerWith(status: number): void;
}> {
  const received: Received[] = [];
  let status = 202;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks).toString();
      const body = Body.parse(JSON.parse(raw));
      const signature = `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`;
      received.push({
        headers: request.headers,
        raw,
        event: String(request.headers['x-github-event']),
        action: typeof body['action'] === 'string' ? body['action'] : undefined,
        body,
        isSigned: request.headers['x-hub-signature-256'] === signature,
      });
      response.writeHead(status).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the receiver does not listen');
  return {
    url: `http://127.0.0.1:${address.port}/webhooks/github`,
    received,
    answerWith: (next) => {
      status = next;
    },
  };
}

/** The real git program, with nothing of this machine's settings. */
export async function git(cwd: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run('git', [...args], {
    cwd,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_TERMINAL_PROMPT: '0',
      GIT_AUTHOR_NAME: 'Ann',
      GIT_AUTHOR_EMAIL: 'ann@users.noreply.localhost',
      GIT_COMMITTER_NAME: 'Ann',
      GIT_COMMITTER_EMAIL: 'ann@users.noreply.localhost',
    },
  });
  return stdout.trim();
}

export async function startHost(
  options: {
    readonly dataDir?: string;
    readonly requestsPerHour?: number;
    readonly port?: number;
    readonly face?: FaceName;
  } = {},
): Promise<EmbeddedGitHost> {
  const host = await startEmbeddedGitHost({
    dataDir: options.dataDir ?? (await temporaryFolder()),
    log: pino({ level: process.env['TEST_LOG'] ?? 'silent' }),
    port: options.port ?? 0,
    ...(options.face === undefined ? {} : { face: options.face }),
    ...(options.requestsPerHour === undefined ? {} : { requestsPerHour: options.requestsPerHour }),
  });
  onTestFinished(async () => await host.stop());
  return host;
}

/** A host with the App installed on `acme`, a repository `acme/web`, Ann who writes, Bob who reads, and a clone of Ann's. */
export async function startWorld(options: { readonly requestsPerHour?: number } = {}) {
  const receiver = await startReceiver('s3cret');
  const host = await startHost(options);
  host.createUser('ann');
  host.createUser('bob');
  host.createOrganization('acme', { admins: [] });
  const app = await host.registerApp({
    name: 'Slipway',
    owner: 'acme',
    webhookUrl: receiver.url,
    webhookSecret: 's3cret',
    events: [...appEvents],
    permissions: appPermissions,
  });
  const repository = await host.createRepository('acme', 'web', { private: true, description: 'A small service' });
  host.addCollaborator('acme', 'web', 'ann', 'write');
  host.addCollaborator('acme', 'web', 'bob', 'read');
  const installationId = host.installApp(app.slug, 'acme');
  const annToken = host.createToken('ann');
  const clone = await temporaryFolder();
  await git(clone, 'init', '--quiet', '--initial-branch=main');
  await git(clone, 'remote', 'add', 'origin', repository.cloneUrl.replace('://', `://ann:${annToken}@`));
  await git(clone, 'config', 'push.default', 'current');
  return { host, receiver, app, installationId, repository, clone, annToken, bobToken: host.createToken('bob') };
}
export type World = Awaited<ReturnType<typeof startWorld>>;

export async function commitFile(clone: string, path: string, text: string, message: string): Promise<string> {
  await writeFile(join(clone, path), text);
  await git(clone, 'add', '--all');
  await git(clone, 'commit', '--quiet', '-m', message);
  return await git(clone, 'rev-parse', 'HEAD');
}

const Quick = ProbotOctokit.defaults((options: object) => ({
  ...options,
  throttle: { enabled: false },
  retry: { enabled: false },
  request: { timeout: 5_000 },
  log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
}));

export function octokitWith(host: EmbeddedGitHost, token: string) {
  return new Quick({ baseUrl: host.apiUrl, auth: { token } });
}

/** As the App's installation: JWT, then an installation token, by Octokit's own code. */
export function installationOctokit(world: World) {
  const { appId, privateKey } = world.app;
  return new Quick({
    baseUrl: world.host.apiUrl,
    auth: { appId, privateKey, installationId: world.installationId },
  });
}

export function appOctokit(world: Pick<World, 'app' | 'host'>) {
  const { appId, privateKey } = world.app;
  return new Quick({ baseUrl: world.host.apiUrl, auth: { appId, privateKey } });
}

export async function statusOf(request: Promise<unknown>): Promise<number> {
  try {
    await request;
    return 200;
  } catch (error) {
    return z.object({ status: z.number() }).parse(error).status;
  }
}
