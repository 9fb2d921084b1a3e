import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddedGitHost } from '../../../app/embedded/git-host/git-host.ts';
import type { TourPerson } from '../../../app/embedded/tour/tour-host.ts';
import type { Run } from '../../../engine/core/run.ts';
import { oauthHost as bitbucket } from '../../../providers/bitbucket/oauth-host.ts';
import { oauthHost as gitHub } from '../../../providers/github/oauth-host.ts';
import { oauthHost as gitLab } from '../../../providers/gitlab/oauth-host.ts';
import type { OAuthHost } from '../../../providers/oauth.ts';
import { type InstalledSlipway, startInstalled } from '../installed-slipway.ts';
import { server } from './pull-request-world.ts';

const waitMs = 30_000;
/** Bitbucket tells nobody who is in a group: people are named there. */
const faces = [
  ['github', 'teams', ({ apiUrl }: EmbeddedGitHost): OAuthHost => gitHub(apiUrl)],
  ['gitlab', 'teams', ({ url }: EmbeddedGitHost): OAuthHost => gitLab(url)],
  ['bitbucket', 'people alone', (host: EmbeddedGitHost): OAuthHost => bitbucket(host)],
] as const;

function pipeline(approval: string): string {
  const deploy = (environment: string) =>
    `    deploy: { environment: ${environment}, artifact: app, command: [node, server.js] }\n`;
  return `environments:
  production:
    approval: ${approval}
stages:
  package:
    kind: build
    commands: [mkdir -p out, cp server.js out/]
    artifacts: { out: { app: out } }
  dev:
    needs: [package]
    when: { branches: [main] }
${deploy('dev')}  production:
    needs: [dev]
    when: { branches: [main] }
${deploy('production')}`;
}

describe.each(faces)('on %s, with %s', (face, groups, hostOf) => {
  let folder: string;
  let world: InstalledSlipway;
  let owner: TourPerson;
  let other: TourPerson;
  /** As policies and CODEOWNERS name them. */
  let names: ReadonlyMap<string, string>;
  const ended = new Map<string, Run>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-approval-'));
    world = await startInstalled(face, folder);
    watch();
    const { host, people, tour } = world;
    const writer = (login: string): TourPerson => {
      host.createUser(login);
      host.addCollaborator(tour.owner, 'hello', login, 'write');
      return { login, token: host.createToken(login) };
    };
    owner = writer('own');
    other = writer('other');
    host.setTeam(tour.owner, 'shippers', [people.reviewer.login, owner.login]);
    names = new Map(
      await Promise.all(
        [people.developer, people.reviewer, owner].map(async (person) => [person.login, await nameOf(person)] as const),
      ),
    );
    await world.copy.push('main', { 'README.md': 'Begin\n' }, 'Begin');
  }, 60_000);
  afterAll(async () => {
    await world.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  });

  async function nameOf({ token }: TourPerson): Promise<string> {
    const { userUrl, personIn } = hostOf(world.host);
    const answer = await fetch(userUrl, { headers: { authorization: `Bearer ${token}` } });
    return personIn(await answer.json()).login;
  }

  async function until<T>(
    what: string,
    look: () => Promise<T | undefined | false> | T | undefined | false,
  ): Promise<T> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      if (performance.now() > deadline) throw new Error(`It did not happen in time: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function mergedPull(branch: string, files: Readonly<Record<string, string>>) {
    await world.copy.pullMain();
    const head = await world.copy.push(branch, files, `Change ${branch}`);
    const number = await world.tour.openPullRequest({ branch, title: `Change ${branch}` });
    return { number, sha: await world.tour.merge(number, head) };
  }

  const runOf = (sha: string): Run | undefined =>
    world.slipway.loop.drivenRuns().find(({ trigger }) => trigger.headSha === sha);
  const prompts = async (number: number) =>
    (await world.tour.comments(number)).filter((body) => /waits for approval$/m.test(body) && body.includes('Answer:'));
  const prompt = (number: number) => until('a prompt', async () => (await prompts(number)).at(-1));
  const deployed = (sha: string) =>
    until('the run to end', () => ended.get(sha)?.stages['production']?.status === 'succeeded' && ended.get(sha));

  function watch(): void {
    world.slipway.loop.onChange(({ run }) => {
      if (run.outcome !== undefined) ended.set(run.trigger.headSha, run);
    });
  }

  /** Says it, and waits for the answer that says that. */
  async function say(person: TourPerson, number: number, command: string, words: RegExp): Promise<void> {
    const before = new Set(await world.tour.comments(number));
    await world.tour.comment(person, number, `${world.tour.commandPrefix}${command}`);
    await until(`an answer that says ${words}`, async () =>
      (await world.tour.comments(number)).some((body) => !before.has(body) && words.test(body)),
    );
  }

  async function pods(): Promise<readonly string[]> {
    const config = new KubeConfig();
    config.loadFromString(world.cluster.kubeconfig());
    const { items } = await config.makeApiClient(CoreV1Api).listPodForAllNamespaces();
    return items.flatMap(({ metadata, status }) =>
      status?.phase === 'Running' || status?.phase === 'Pending' ? [metadata?.name ?? ''] : [],
    );
  }

  it('deploys unasked where nobody has to approve, and waits for the one who has to, without a pod, over a restart', async () => {
    const { developer, reviewer, contributor } = world.people;
    const by = `[${names.get('rev')}, ${names.get('dev')}]`;
    const { number, sha } = await mergedPull('one', {
      '.slipway.yaml': pipeline(`{ by: ${by} }`),
      'server.js': server('one'),
    });
    const asked = await prompt(number);
    expect(runOf(sha)?.stages['dev']?.status).toBe('succeeded');
    for (const fact of [
      'Change one',
      'Author',
      'nothing →',
      'Difference',
      'Goes back',
      'Run',
      'server.js',
      'not the author',
    ])
      expect(asked).toContain(fact);
    expect(await prompts(number)).toEqual([asked]);
    const live = await until('the stages’ pods to be gone', async () => {
      const left = await pods();
      return left.every((name) => !name.includes('package')) && left;
    });
    // What runs is dev alone.
    expect(live).toHaveLength(1);
    await say(developer, number, 'approve', /Authors do not approve their own change/);
    await say(contributor, number, 'approve', /needs the right to write/);
    await say(other, number, 'approve production', /is none of them/);
    await world.restart();
    watch();
    expect(await prompts(number)).toEqual([asked]);
    expect(await pods()).toEqual(live);
    expect(runOf(sha)?.approvals['production']).toMatchObject({ status: 'open', given: [] });
    await world.tour.comment(reviewer, number, `${world.tour.commandPrefix}approve production`);
    await deployed(sha);
  });

  it('takes as many as it needs of a group, each once, and an owner of what changed among them', async () => {
    const { reviewer } = world.people;
    const by = groups === 'teams' ? `[${world.tour.owner}/shippers]` : `[${names.get('rev')}]`;
    const required = groups === 'teams' ? 2 : 1;
    const { number, sha } = await mergedPull('two', {
      '.slipway.yaml': pipeline(`{ by: ${by}, required: ${required}, owners: true }`),
      CODEOWNERS: `*.md @nobody\nserver.js @${names.get('own')}\n`,
      'server.js': server('two'),
    });
    const asked = await prompt(number);
    expect(asked).toMatch(/revision 1.* → /);
    expect(asked).toContain('What it ran before');
    await say(other, number, 'approve', /is none of them/);
    await say(reviewer, number, 'approve', /an owner is missing: /);
    await world.tour.comment(reviewer, number, `${world.tour.commandPrefix}approve`);
    await until('it to be heard', async () => {
      const heard = await world.slipway.audit.find({ outcome: 'done' }, 10);
      return heard.filter(({ number: at }) => at === number).length === 2;
    });
    expect(runOf(sha)?.approvals['production']?.status).toBe('open');
    expect(runOf(sha)?.approvals['production']?.given).toHaveLength(1);
    await world.tour.comment(owner, number, `${world.tour.commandPrefix}approve`);
    const given = (await deployed(sha)).approvals['production']?.given ?? [];
    expect(given.map(({ by: { login } }) => login)).toEqual([names.get('rev'), names.get('own')]);
    expect(given.map(({ counts }) => counts)).toEqual([true, groups === 'teams']);
  });

  it('counts nothing for a head that its branch does not hold any more, and says so', async () => {
    const { reviewer } = world.people;
    const { number, sha } = await mergedPull('three', { 'server.js': server('three') });
    await prompt(number);
    await world.copy.pullMain();
    await world.copy.git('reset', '--quiet', '--hard', 'HEAD~1');
    await world.copy.git('push', '--quiet', '--force', 'origin', 'HEAD:main');
    await say(reviewer, number, 'approve', /The head moved from/);
    expect(runOf(sha)?.stages['production']?.status).not.toBe('succeeded');
    await until('it to be asked anew', async () =>
      (await prompts(number)).at(-1)?.includes('Asked anew: the head moved'),
    );
    expect(runOf(sha)?.approvals['production']).toMatchObject({ approval: 2, given: [] });
  });
});
