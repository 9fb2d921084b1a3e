import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Sha } from '../../../engine/core/trigger.ts';
import type { CheckRun } from '../../../providers/git-host.ts';
import { type RealGitea, realGitea, withoutGitea } from './real-gitea.ts';
import { type GiteaOrganization, giteaOrganization, giteaWorld } from './world.ts';

const missing = 'a'.repeat(40) as Sha; // no commit has it
const nothing = z.unknown();

function check(state: CheckRun['state']): CheckRun {
  return { name: 'slipway/test', externalId: '1/test', state, title: 'Told', summary: '', annotations: [] };
}

describe.skipIf(withoutGitea !== undefined)(`what is Gitea's own (${withoutGitea ?? 'on a real one'})`, () => {
  let gitea: RealGitea;
  let organization: GiteaOrganization;
  let made = 0;
  beforeAll(async () => {
    gitea = await realGitea();
    organization = await giteaOrganization(gitea, `own-${Date.now()}`);
  });
  afterAll(() => gitea.stop());
  const world = () => {
    made += 1;
    return giteaWorld(gitea, organization, `web-${made}`);
  };

  it('refuses to guess where Gitea does not tell who is in a team, and says what to change', async () => {
    const { host, repository } = await world();
    const { ask, bot, admin, dev } = gitea;
    const { owner, name } = repository;
    const Teams = z.array(z.object({ id: z.number(), name: z.string() }));
    const owners = (await ask(bot, Teams, 'GET', `/orgs/${owner}/teams`)).find(({ name }) => name === 'Owners');
    const admins = { name: 'admins', permission: 'admin', includes_all_repositories: true, units: ['repo.code'] };
    const { id } = await ask(bot, z.object({ id: z.number() }), 'POST', `/orgs/${owner}/teams`, admins);
    await ask(bot, nothing, 'PUT', `/teams/${id}/members/${bot.login}`);
    // From here on the bot administrates the repositories, and owns the organisation no more.
    await ask(admin, nothing, 'PUT', `/teams/${owners?.id}/members/${admin.login}`);
    await ask(admin, nothing, 'DELETE', `/teams/${owners?.id}/members/${bot.login}`);
    try {
      await expect(host.permissionOf(repository, dev.login)).rejects.toMatchObject({
        code: 'denied',
        fix: expect.stringContaining('team Owners'),
      });
      expect(await host.permissionOf(repository, gitea.outsider.login)).toBe('read');
      expect(await host.permissionOf(repository, bot.login)).toBe('admin');
      await ask(admin, nothing, 'PUT', `/repos/${owner}/${name}/collaborators/${dev.login}`, {
        permission: 'write',
      });
      expect(await host.permissionOf(repository, dev.login)).toBe('write');
    } finally {
      await ask(admin, nothing, 'PUT', `/teams/${owners?.id}/members/${bot.login}`);
    }
  });

  it('says that a commit is not there, which Gitea takes for a fault of its own', async () => {
    const { host, repository } = await world();
    const state = { status: 'queued' } as const;
    await expect(host.publishCheck(repository, missing, check(state), undefined)).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('finds a repository again that was renamed', async () => {
    const { host, repository, headSha } = await world();
    await gitea.ask(gitea.bot, nothing, 'PATCH', `/repos/${repository.owner}/${repository.name}`, {
      name: `${repository.name}-new`,
    });
    expect(await host.branchHead(repository, 'topic')).toBe(headSha);
    const id = await host.publishCheck(repository, headSha, check({ status: 'queued' }), undefined);
    expect(id).toBe('slipway/test');
  });

  it('tells drafts, new bases, and what a merge came from', async () => {
    const { host, repository, number, headSha } = await world();
    const { ask, dev } = gitea;
    const at = `/repos/${repository.owner}/${repository.name}`;
    await ask(dev, nothing, 'PATCH', `${at}/pulls/${number}`, { title: 'WIP: Two' });
    expect(await host.pullRequest(repository, number)).toMatchObject({ isDraft: true, title: 'WIP: Two' });
    await ask(dev, nothing, 'PATCH', `${at}/pulls/${number}`, { title: 'Two' });
    const file = { content: btoa('x\n'), message: 'Beside', branch: 'main' };
    await ask(dev, nothing, 'POST', `${at}/contents/beside.txt`, file);
    const tip = await host.branchHead(repository, 'main');
    expect(await host.pullRequest(repository, number)).toMatchObject({ baseSha: tip, headSha });
    await expect
      .poll(
        () =>
          ask(dev, nothing, 'POST', `${at}/pulls/${number}/merge`, { Do: 'merge', head_commit_id: headSha }).then(
            () => 'merged',
            (error: unknown) => String(error),
          ),
        { timeout: 20_000, interval: 300 },
      )
      .toBe('merged');
    const merged = await host.branchHead(repository, 'main');
    if (merged === undefined || tip === undefined) throw new TypeError('main is gone');
    expect(await host.mergedAs(repository, merged)).toBe(number);
    expect(await host.holds(repository, merged, headSha)).toBe(true);
    expect(await host.holds(repository, tip, merged)).toBe(false);
    expect(await host.openPullRequests(repository)).toEqual([]);
  });
});
