import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { WatchCredentials } from '../../../app/installations/watch-credentials.ts';
import { startHost } from '../embedded/git-host/running-host.ts';
import { connectWorld } from './connect-world.ts';

const dayMs = 86_400_000;

async function world(cloneScopes: readonly string[], daysLeft: number) {
  const host = await startHost({ face: 'gitlab' });
  host.createUser('slipway');
  host.createOrganization('acme');
  await host.createRepository('acme', 'web', { private: true });
  host.addCollaborator('acme', 'web', 'slipway', 'admin');
  const lifetimeMs = (daysLeft + 1) * dayMs;
  const settings = {
    GITLAB_URL: host.url,
    GITLAB_TOKEN: host.createToken('slipway', { lifetimeMs }),
    GITLAB_CLONE_TOKEN: host.createToken('slipway', { lifetimeMs, scopes: cloneScopes }),
  };
  const slipway = await connectWorld('gitlab', settings);
  await slipway.connect('acme');
  const lines: { readonly level: number; readonly credential?: string; readonly msg: string }[] = [];
  const watch = new WatchCredentials({
    gitHosts: slipway,
    clock: slipway.clock,
    log: pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) }),
  });
  const kept = async () => (await (await slipway.stored.find('gitlab'))?.settings()) ?? {};
  return { ...slipway, host, settings, lines, kept, look: () => watch.look(), stop: () => watch.stop() };
}

it('renews a token that ends soon, keeps the new one sealed, and works on with it', async () => {
  const { look, kept, settings, inUse, connect, lines } = await world(['read_repository'], 10);
  await look();
  const { GITLAB_TOKEN: token = '' } = await kept();
  expect(token).not.toBe(settings.GITLAB_TOKEN);
  expect(lines.map(({ msg }) => msg)).toContain('A credential that ended soon was renewed');
  expect(JSON.stringify(lines)).not.toContain(token);
  const [report] =
    (await inUse
      .setup('gitlab')
      ?.credentials(() => new Date())
      .examine()) ?? [];
  expect((report?.expiresAt?.getTime() ?? 0) - Date.now()).toBeGreaterThan(300 * dayMs);
  expect((await connect('acme', { settings: {} }))[0]?.did).toBe('nothing');
  lines.length = 0;
  await look();
  expect(lines).toEqual([]);
});

it('tells of one that the host does not renew, more loudly in the last three days', async () => {
  const { look, lines, clock } = await world(['read_user'], 10);
  await look();
  const about = () => lines.filter(({ credential }) => credential === 'GITLAB_CLONE_TOKEN');
  expect(about()).toMatchObject([
    { msg: 'The host does not renew this credential' },
    { level: 40, msg: expect.stringContaining('ends soon') },
  ]);
  lines.length = 0;
  clock.ahead = 8 * dayMs;
  await look();
  expect(about().at(-1)).toMatchObject({ level: 50, daysLeft: 2 });
});

it('says nothing of tokens that last', async () => {
  const { look, lines } = await world(['read_repository'], 100);
  await look();
  expect(lines).toEqual([]);
});

it('renews a token once, however often it is asked to, and keeps the new one before it ends', async () => {
  const { look, stop, kept, settings, host, lines, inUse } = await world(['read_repository'], 2);
  host.requests.reset();
  host.faults.set({ delayMs: 500, match: /rotate/ });
  void look();
  void look();
  await vi.waitFor(() => expect(JSON.stringify(host.requests.byRoute())).toContain('personal_access_tokens/self'));
  await new Promise((resolve) => setTimeout(resolve, 200));
  await stop();
  const { GITLAB_TOKEN: token } = await kept();
  const isRenewed = token !== settings.GITLAB_TOKEN;
  const rotations = Object.entries(host.requests.byRoute()).filter(([route]) => route.endsWith('/rotate'));
  // It was stopped before it began, or after the new one was kept: never between.
  expect(rotations.map(([, count]) => count)).toEqual(isRenewed ? [1] : []);
  expect(
    (
      await inUse
        .setup('gitlab')
        ?.credentials(() => new Date())
        .examine()
    )?.[0]?.faults,
  ).toEqual([]);
  expect(lines.filter(({ level }) => level === 50)).toHaveLength(isRenewed ? 0 : 1);
});
