import { describe, expect, it } from 'vitest';
import type { RepositoryRef, Sha } from '../../engine/core/trigger.ts';
import type { CheckRun, GitHost } from '../../providers/git-host.ts';

/** A repository with `main`, and a pull request from `topic` that changes `a.txt` and adds `b.txt`. Made anew for each test. */
export interface GitHostWorld {
  readonly host: GitHost;
  readonly repository: RepositoryRef;
  readonly number: number;
  readonly baseSha: Sha;
  readonly headSha: Sha;
  /** Logins: who may write, who may only read, and one the host does not know. */
  readonly people: { readonly writer: string; readonly reader: string; readonly stranger: string };
  /** Where hosts have teams: one in which the writer is, and nobody else. */
  readonly team: string;
  /** As the writer. @returns the comment's id */
  comment(body: string): Promise<string>;
  /** All comments of the pull request, oldest first. */
  comments(): Promise<readonly { readonly author: string; readonly body: string }[]>;
  /** Pushes an annotated tag of the head. */
  tag(name: string): Promise<void>;
  /** Merges the pull request with a merge commit, as the writer. */
  merge(): Promise<void>;
  /** Takes a comment away behind the adapter's back. */
  deleteComment(id: string): Promise<void>;
  /** The checks or statuses of the head commit, in the port's words. */
  checks(): Promise<readonly { readonly name: string; readonly state: string; readonly annotations?: number }[]>;
}

const missing = '0123456789012345678901234567890123456789' as Sha; // a well-formed hash that no repository has
const at = new Date('2026-01-01T00:00:00Z');

function check(facts: Partial<CheckRun> = {}): CheckRun {
  return {
    name: 'slipway/test',
    externalId: 'run-1/test',
    state: { status: 'in_progress', startedAt: at },
    title: 'Running',
    summary: 'Since a moment',
    annotations: [],
    ...facts,
  };
}

const failed: CheckRun['state'] = { status: 'completed', conclusion: 'failure', startedAt: at, completedAt: at };

/** What Slipway relies on in a Git host: every adapter has to behave like this. */
export function gitHostContract(name: string, make: () => Promise<GitHostWorld>): void {
  describe(`Git host contract: ${name}`, () => {
    it('reads files at a commit, and tells "none" from a fault', async () => {
      const { host, repository, baseSha, headSha } = await make();
      const read = (sha: Sha, path: string) => host.readFile(repository, sha, path, { maxBytes: 1_000 });
      expect(await read(baseSha, 'a.txt')).toBe('one\n');
      expect(await read(headSha, 'a.txt')).toBe('two\n');
      expect(await read(headSha, 'src/a b#c.txt')).toBe('odd\n');
      expect(await read(baseSha, 'b.txt')).toBeUndefined();
      expect(await read(headSha, 'src')).toBeUndefined();
      await expect(host.readFile(repository, headSha, 'a.txt', { maxBytes: 3 })).rejects.toMatchObject({
        code: 'invalid',
      });
    });

    it('lists files, and what a pull request changes', async () => {
      const { host, repository, baseSha, headSha, number } = await make();
      const { paths, isComplete } = await host.listFiles(repository, headSha);
      expect([...paths].sort()).toEqual(['a.txt', 'b.txt', 'src/a b#c.txt']);
      expect(isComplete).toBe(true);
      const changed = await host.changedFiles(repository, baseSha, headSha);
      expect({ ...changed, paths: [...changed.paths].sort() }).toEqual({
        paths: ['a.txt', 'b.txt', 'src/a b#c.txt'],
        isComplete: true,
      });
      const files = await host.pullRequestFiles(repository, number);
      expect([...files.paths].sort()).toEqual([...changed.paths].sort());
      await expect(host.changedFiles(repository, baseSha, missing)).rejects.toMatchObject({ code: 'not-found' });
    });

    it('finds branches and pull requests', async () => {
      const { host, repository, number, baseSha, headSha, people } = await make();
      expect(await host.defaultBranch(repository)).toBe('main');
      expect(await host.branchHead(repository, 'topic')).toBe(headSha);
      expect(await host.branchHead(repository, 'no/such branch')).toBeUndefined();
      const { heads, isComplete } = await host.branchHeads(repository);
      expect(heads.map(({ branch, sha }) => `${branch} ${sha}`).sort()).toEqual([
        `main ${baseSha}`,
        `topic ${headSha}`,
      ]);
      expect(isComplete).toBe(true);
      const pull = await host.pullRequest(repository, number);
      expect(pull).toMatchObject({
        number,
        title: 'Two',
        state: 'open',
        headRef: 'topic',
        headSha,
        headRepositoryId: repository.id,
        isFork: false,
        baseRef: 'main',
        baseSha,
        isDraft: false,
        author: people.writer,
      });
      expect(await host.openPullRequests(repository)).toEqual([pull]);
      expect(await host.pullRequest(repository, 4_711)).toBeUndefined();
    });

    it('lists tags with the commits that they name', async () => {
      const { host, repository, headSha, tag } = await make();
      expect(await host.tagHeads(repository)).toEqual({ heads: [], isComplete: true });
      await tag('v1');
      await tag('release/v2');
      const { heads, isComplete } = await host.tagHeads(repository);
      expect(isComplete).toBe(true);
      expect([...heads].sort((one, other) => one.tag.localeCompare(other.tag))).toEqual([
        { tag: 'release/v2', sha: headSha },
        { tag: 'v1', sha: headSha },
      ]);
    });

    it('looks permissions up, and gives strangers none', async () => {
      const { host, repository, people } = await make();
      expect(await host.permissionOf(repository, people.writer)).toBe('write');
      expect(await host.permissionOf(repository, people.reader)).toBe('read');
      expect(await host.permissionOf(repository, people.stranger)).toBe('none');
    });

    it('tells what a commit came from, and what a tip holds', async () => {
      const { host, repository, baseSha, headSha } = await make();
      expect(await host.mergedAs(repository, headSha)).toBeUndefined();
      expect(await host.holds(repository, headSha, headSha)).toBe(true);
      expect(await host.holds(repository, headSha, baseSha)).toBe(true);
      expect(await host.holds(repository, baseSha, headSha)).toBe(false);
    });

    it('tells a merged pull request, and the commit that it became', async () => {
      const { merge, host, repository, number, headSha } = await make();
      await merge();
      expect(await host.pullRequest(repository, number)).toMatchObject({ state: 'merged', headSha });
      expect(await host.openPullRequests(repository)).toEqual([]);
      const main = await host.branchHead(repository, 'main');
      if (main === undefined) throw new TypeError('main is gone');
      expect(await host.mergedAs(repository, main)).toBe(number);
      expect(await host.holds(repository, main, headSha)).toBe(true);
    });

    it('looks up who is in a team, where the host has teams', async () => {
      const { host, repository, people, team } = await make();
      expect(await host.isTeamMember(repository, team, people.writer)).toBe(host.capabilities.teams);
      expect(await host.isTeamMember(repository, team, people.reader)).toBe(false);
      expect(await host.isTeamMember(repository, team, people.stranger)).toBe(false);
      expect(await host.isTeamMember(repository, `${team}-none`, people.writer)).toBe(false);
    });

    it('gives access for a clone, with no secret in the URL', async () => {
      const { host, repository } = await make();
      const { url, credential } = await host.cloneAccess(repository);
      expect(new URL(url).username + new URL(url).password).toBe('');
      expect(credential?.password.length).toBeGreaterThan(10);
      expect(url).not.toContain(credential?.password);
    });

    it('updates the check it knows, instead of adding one', async () => {
      const world = await make();
      const { host, repository, headSha } = world;
      const id = await host.publishCheck(repository, headSha, check(), undefined);
      expect(await world.checks()).toMatchObject([{ name: 'slipway/test', state: 'running' }]);
      expect(await host.publishCheck(repository, headSha, check({ state: failed }), id)).toBe(id);
      await host.publishCheck(
        repository,
        headSha,
        check({ name: 'slipway/lint', externalId: 'run-1/lint' }),
        undefined,
      );
      const shown = await world.checks();
      expect(shown.map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
        'slipway/lint running',
        'slipway/test failure',
      ]);
    });

    it('finds its check again when it was not seen to be made', async () => {
      const world = await make();
      const { host, repository, headSha } = world;
      const id = await host.publishCheck(repository, headSha, check(), undefined);
      const again = check({ state: failed, mayExist: true });
      expect(await host.publishCheck(repository, headSha, again, undefined)).toBe(id);
      expect(await world.checks()).toHaveLength(1);
    });

    it('sends all annotations, also more than the host takes at once', async () => {
      const world = await make();
      const { host, repository, headSha } = world;
      const annotations = Array.from({ length: 120 }, (_, index) => ({
        path: 'a.txt',
        startLine: index + 1,
        endLine: index + 1,
        level: 'failure' as const,
        title: `Line ${index + 1}`,
        message: 'wrong',
      }));
      await host.publishCheck(repository, headSha, check({ state: failed, annotations }), undefined);
      const [shown] = await world.checks();
      expect(shown?.annotations).toBe(host.capabilities.annotations ? 120 : undefined);
    });

    it('keeps one comment per marker, and makes it anew when someone deleted it', async () => {
      const world = await make();
      const { host, repository, number } = world;
      const marker = '<!-- slipway -->';
      const write = (body: string, known?: string) => host.ensureComment(repository, number, { marker, body }, known);
      const id = await write('first');
      expect(await write('second', id)).toBe(id);
      expect(await write('third')).toBe(id);
      const author = await host.ownLogin();
      expect(await world.comments()).toEqual([{ author, body: expect.stringMatching(/\nthird$/) }]);
      await world.deleteComment(id);
      const next = await write('fourth', id);
      expect(next).not.toBe(id);
      expect(await world.comments()).toEqual([{ author, body: expect.stringMatching(/\nfourth$/) }]);
    });

    it('leaves a comment of somebody else alone that carries the marker', async () => {
      const world = await make();
      const { host, repository, number, people } = world;
      const write = (body: string) =>
        host.ensureComment(repository, number, { marker: '<!-- slipway -->', body }, undefined);
      // As the host writes it: the marker has another form where HTML is shown as it is.
      const first = await write('first');
      const body = (await world.comments())[0]?.body ?? '';
      await world.deleteComment(first);
      await world.comment(body);
      await write('ours');
      expect(await world.comments()).toEqual([
        { author: people.writer, body },
        { author: await host.ownLogin(), body: body.replace('first', 'ours') },
      ]);
    });

    it('reads comments as they stand, and adds its own', async () => {
      const world = await make();
      const { host, repository, number, people } = world;
      const id = await world.comment('/slipway approve');
      expect(await host.comment(repository, number, id)).toMatchObject({
        id,
        author: { login: people.writer },
        body: '/slipway approve',
      });
      expect(await host.comment(repository, number + 1, id)).toBeUndefined();
      expect(await host.comment(repository, number, '99999999')).toBeUndefined();
      await host.addComment(repository, number, 'Done');
      expect((await world.comments()).at(-1)).toEqual({ author: await host.ownLogin(), body: 'Done' });
    });

    it('reacts once to a comment, where the host has reactions', async () => {
      const world = await make();
      const { host, repository, number } = world;
      const id = await world.comment('/slipway approve');
      for (const content of ['eyes', 'eyes', 'rocket'] as const) await host.react(repository, number, id, content);
      const reactions = (await host.reactions(repository, number, id)).map(
        ({ by, content }) => `${by.login} ${content}`,
      );
      const own = await host.ownLogin();
      expect(reactions.sort()).toEqual(host.capabilities.reactions === 'none' ? [] : [`${own} eyes`, `${own} rocket`]);
    });

    it('puts labels on and takes them off, where the host has labels', async () => {
      const { host, repository, number } = await make();
      await host.changeLabels(repository, number, { add: ['hotfix', 'hold'] });
      await host.changeLabels(repository, number, { add: ['hotfix'], remove: ['hold', 'never-there'] });
      expect(await host.labels(repository, number)).toEqual(host.capabilities.labels ? ['hotfix'] : []);
    });

    it('brings a branch back by a pull request, where the host takes one of ours', async () => {
      const world = await make();
      const { host, repository, baseSha } = world;
      await world.merge();
      const tip = await host.branchHead(repository, 'main');
      if (tip === undefined) throw new TypeError('main is gone');
      const change = { branch: 'slipway/back', base: 'main', tip, sha: baseSha, title: 'Back', body: 'As it was' };
      const number = await host.proposeState(repository, change);
      expect(number !== undefined).toBe(host.capabilities.opensPullRequests);
      if (number === undefined) return;
      expect(await host.proposeState(repository, change)).toBe(number);
      const pull = await host.pullRequest(repository, number);
      expect(pull).toMatchObject({ state: 'open', baseRef: 'main', title: 'Back', author: await host.ownLogin() });
      const { paths } = await host.pullRequestFiles(repository, number);
      expect([...paths].sort()).toEqual(['a.txt', 'b.txt', 'src/a b#c.txt']);
      const head = pull?.headSha ?? missing;
      expect((await host.listFiles(repository, head)).paths).toEqual((await host.listFiles(repository, baseSha)).paths);
      expect(await host.readFile(repository, head, 'a.txt', { maxBytes: 100 })).toBe('one\n');
    });

    it('reports a deployment, where the host has them', async () => {
      const { host, repository, headSha } = await make();
      const report = { environment: 'staging', sha: headSha, description: 'Rolling out', url: 'https://web.example' };
      const id = await host.publishDeployment(repository, { ...report, state: 'in_progress' }, undefined);
      expect(id !== undefined).toBe(host.capabilities.deployments);
      expect(await host.publishDeployment(repository, { ...report, state: 'success' }, id)).toBe(id);
    });

    it('says which repository it did not find', async () => {
      const { host, repository } = await make();
      const gone = { ...repository, id: '99999999', name: 'gone' };
      await expect(host.listFiles(gone, missing)).rejects.toMatchObject({
        name: 'GitHostError',
        code: 'not-found',
        what: expect.stringContaining('gone'),
      });
    });
  });
}
