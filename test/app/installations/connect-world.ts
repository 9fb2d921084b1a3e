import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { gitHostFromSettings } from '../../../app/git-hosts.ts';
import { Connect, type ConnectNews } from '../../../app/installations/connect.ts';
import { Connections } from '../../../app/installations/connections.ts';
import { GitHostsInUse } from '../../../app/installations/git-hosts-in-use.ts';
import { Installations } from '../../../app/installations/installations.ts';
import type { WebhookStep } from '../../../app/installations/keep-webhooks.ts';
import { slipwayLabels } from '../../../app/installations/labels.ts';
import { sealerOf } from '../../../app/installations/sealing.ts';
import { StoredGitHosts } from '../../../app/installations/stored-git-hosts.ts';
import { testDatabase } from '../embedded/database/test-database.ts';
import { temporaryFolder } from '../embedded/git-host/running-host.ts';

export interface Taken {
  readonly event: string;
  /** As Slipway itself would judge it. */
  readonly isGenuine: boolean;
}

/** The parts that connect a host, over a database of their own, and a receiver in Slipway's place. */
export async function connectWorld(provider: string, settings: Readonly<Record<string, string>>) {
  const folder = await temporaryFolder();
  const errors: unknown[] = [];
  const lines: string[] = [];
  const { database } = testDatabase();
  const clock = { ahead: 0, now: () => new Date(Date.now() + clock.ahead) };
  const stored = new StoredGitHosts({
    database,
    sealer: await sealerOf([randomBytes(32).toString('base64url')]),
    clock,
  });
  const inUse = new GitHostsInUse({
    fixed: [],
    stored,
    setUp: gitHostFromSettings,
    guard: (host) => host,
    now: clock.now,
    log: pino({}, { write: (line: string) => void lines.push(line) }),
  });
  await inUse.prepare();
  const installations = new Installations({ database, clock });
  await installations.prepare();
  const connections = new Connections({ database, clock });
  await connections.prepare();

  const taken: Taken[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const source = inUse.source(provider);
      const header = (name: string) => {
        const value = request.headers[name];
        return Array.isArray(value) ? value[0] : value;
      };
      const body = Buffer.concat(chunks).toString();
      taken.push({
        event: source?.identify(header).event ?? '',
        isGenuine: (await source?.isGenuine(body, header)) ?? false,
      });
      response.writeHead(202).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const place = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };

  const connect = new Connect({
    connections,
    gitHosts: { inUse, stored },
    installations,
    follow: (event) => installations.apply(event),
    labels: async (repository) => {
      await inUse.host(provider).ensureLabels(repository, slipwayLabels);
    },
    url: () => place.url,
    clock,
    onError: (error) => errors.push(error),
  });
  const run = async (news: AsyncGenerator<ConnectNews>): Promise<readonly WebhookStep[]> => {
    const steps: WebhookStep[] = [];
    for await (const each of news) if ('did' in each) steps.push(each);
    return steps;
  };
  return {
    folder,
    database,
    lines,
    errors,
    clock,
    stored,
    inUse,
    installations,
    connections,
    taken,
    /** Slipway's own address, which may change. */
    place,
    sweep: () => connect.sweep(),
    connect: (
      path: string,
      facts: {
        readonly isDryRun?: boolean;
        readonly makesLabels?: boolean;
        readonly settings?: Readonly<Record<string, string>>;
      } = {},
    ) => run(connect.connect({ provider, path, settings, isDryRun: false, makesLabels: false, ...facts })),
    disconnect: (path: string, mode: 'apply' | 'dry-run' = 'apply') => run(connect.disconnect(provider, path, mode)),
  };
}
