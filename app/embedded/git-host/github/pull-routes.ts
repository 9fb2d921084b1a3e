import { z } from 'zod';
import { covers, roleOf } from '../access/authorize.ts';
import { actorOf } from '../access/principal.ts';
import { mergePull } from '../domain/merge-pull.ts';
import { editPull, findPull, isMergeable, openPull } from '../domain/pulls.ts';
import type { Pull } from '../entities.ts';
import { unifiedDiff } from '../git/changes.ts';
import { gitOf, type Host, ownerOf } from '../host.ts';
import { Refusal } from '../refusal.ts';
import type { Api } from '../rest-face.ts';
import { numberParam, paginate, readBody, repositoryOf } from './api.ts';
import { filesBetween } from './code-routes.ts';
import { commitShape } from './shapes/commit.ts';
import { pullShape, simplePullShape } from './shapes/pull.ts';

const read = { resource: 'pull_requests', level: 'read' } as const;
const propose = { resource: 'pull_requests', level: 'write', role: 'read' } as const;
const base = '/repos/:owner/:repo/pulls';

const NewPull = z.object({
  title: z.string().min(1).max(256),
  head: z.string(),
  base: z.string(),
  body: z.string().max(65_536).nullable().default(null),
  draft: z.boolean().default(false),
});
const PullPatch = z.object({
  title: z.string().min(1).max(256).optional(),
  body: z.string().max(65_536).nullable().optional(),
  base: z.string().optional(),
  state: z.enum(['open', 'closed']).optional(),
  /** Not in GitHub's REST API (there it takes GraphQL); here the shortest way to try it. */
  draft: z.boolean().optional(),
});
const MergeBody = z.object({
  sha: z.string().optional(),
  merge_method: z.enum(['merge', 'squash', 'rebase']).default('merge'),
  commit_title: z.string().max(256).optional(),
  commit_message: z.string().max(65_536).optional(),
});

export function addPullRoutes(api: Api, host: Host): void {
  api.get(base, (c) => {
    const repository = repositoryOf(host, c, read);
    const { state = 'open', head, base: target, sort = 'created', direction } = c.req.query();
    const pulls = host.store.pulls.list(repository.id).filter((pull) => {
      const headOwner = ownerOf(host, host.store.repositories.get(pull.headRepositoryId)).login;
      return (
        (state === 'all' || pull.state === state) &&
        (head === undefined || head === `${headOwner}:${pull.headRef}` || head === pull.headRef) &&
        (target === undefined || target === pull.baseRef)
      );
    });
    if (sort === 'updated') pulls.sort((a, b) => a.updatedAt.localeCompare(b.updatedAt));
    if ((direction ?? (sort === 'created' ? 'desc' : 'asc')) === 'desc') pulls.reverse();
    return c.json(paginate(c, pulls).map((pull) => simplePullShape(host, pull)));
  });

  api.post(base, async (c) => {
    const repository = repositoryOf(host, c, propose);
    const pull = await openPull(
      host,
      repository,
      actorOf(c.get('principal')),
      await readBody(c, NewPull, 'PullRequest'),
    );
    return c.json(pullShape(host, pull, null), 201);
  });

  api.get(`${base}/:number`, async (c) => {
    const repository = repositoryOf(host, c, read);
    const pull = findPull(host, repository, numberParam(c, 'number'));
    if (c.req.header('accept')?.includes('diff')) {
      const git = gitOf(host, repository.id);
      return c.text(await unifiedDiff(git, await git.mergeBase(pull.baseSha, pull.headSha), pull.headSha));
    }
    return c.json(pullShape(host, pull, pull.state === 'open' ? await isMergeable(host, pull) : null));
  });

  api.patch(`${base}/:number`, async (c) => {
    const repository = repositoryOf(host, c, propose);
    const pull = findPull(host, repository, numberParam(c, 'number'));
    const actor = actorOf(c.get('principal'));
    const isOwn = pull.authorId === actor.account.id;
    if (!isOwn && actor.appId === null && !covers(roleOf(host, repository, actor.account.id), 'write'))
      throw new Refusal(403, 'Must have push access to edit the pull request of another person.');
    const { title, body, base: target, state, draft } = await readBody(c, PullPatch, 'PullRequest');
    const edited = await editPull(host, pull, actor, {
      ...(title === undefined ? {} : { title }),
      ...(body === undefined ? {} : { body }),
      ...(target === undefined ? {} : { base: target }),
      ...(state === undefined ? {} : { state }),
      ...(draft === undefined ? {} : { draft }),
    });
    return c.json(pullShape(host, edited, null));
  });

  api.get(`${base}/:number/commits`, async (c) => {
    const repository = repositoryOf(host, c, read);
    const pull = findPull(host, repository, numberParam(c, 'number'));
    const commits = await gitOf(host, repository.id).log([`${pull.baseSha}..${pull.headSha}`], { limit: 250 });
    return c.json(paginate(c, commits.reverse()).map((commit) => commitShape(host, repository, commit)));
  });

  api.get(`${base}/:number/files`, async (c) => {
    const repository = repositoryOf(host, c, read);
    const pull = findPull(host, repository, numberParam(c, 'number'));
    const git = gitOf(host, repository.id);
    const from = await git.mergeBase(pull.baseSha, pull.headSha);
    const files = await filesBetween(host, repository, git, from, pull.headSha);
    return c.json(paginate(c, files.slice(0, 3_000)));
  });

  api.get(`${base}/:number/merge`, (c) => {
    const pull = findPull(host, repositoryOf(host, c, read), numberParam(c, 'number'));
    if (pull.mergedAt === null) throw new Refusal(404, 'Not Found');
    return c.body(null, 204);
  });

  api.put(`${base}/:number/merge`, async (c) => {
    const repository = repositoryOf(host, c, { resource: 'contents', level: 'write' });
    const pull: Pull = findPull(host, repository, numberParam(c, 'number'));
    const wanted = await readBody(c, MergeBody, 'PullRequest');
    if (wanted.merge_method === 'rebase') throw new Refusal(405, 'Rebase merges are not allowed on this repository.');
    const merged = await mergePull(host, pull, actorOf(c.get('principal')), {
      method: wanted.merge_method,
      ...(wanted.sha === undefined ? {} : { expectedHeadSha: wanted.sha }),
      ...(wanted.commit_title === undefined ? {} : { title: wanted.commit_title }),
      ...(wanted.commit_message === undefined ? {} : { message: wanted.commit_message }),
    });
    return c.json({ sha: merged.mergeCommitSha, merged: true, message: 'Pull Request successfully merged' });
  });
}
