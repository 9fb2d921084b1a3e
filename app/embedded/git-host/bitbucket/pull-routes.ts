import { z } from 'zod';
import { covers, roleOf } from '../access/authorize.ts';
import { actorOf } from '../access/principal.ts';
import { forkRepository } from '../domain/accounts.ts';
import { addComment, editComment, softDeleteComment } from '../domain/comments.ts';
import { mergePull } from '../domain/merge-pull.ts';
import { editPull, openPull } from '../domain/pulls.ts';
import type { Comment, Pull } from '../entities.ts';
import { gitOf, type Host, ownerOf } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Api, ApiContext } from '../rest-face.ts';
import { page, pullOf, readBody, repositoryOf } from './api.ts';
import { buildStatuses } from './check-routes.ts';
import { commentShape, commitShape, diffStatUrl, fullRepositoryShape, pullShape } from './shapes.ts';

const read = { resource: 'pull_requests', level: 'read' } as const;
const propose = { resource: 'pull_requests', level: 'write', role: 'read' } as const;
const repositoryPath = '/repositories/:workspace/:slug';
const base = `${repositoryPath}/pullrequests` as const;

const NewPull = z.object({
  title: z.string().min(1).max(255),
  description: z.string().default(''),
  draft: z.boolean().default(false),
  source: z.object({
    branch: z.object({ name: z.string() }),
    repository: z.object({ full_name: z.string() }).optional(),
  }),
  destination: z.object({ branch: z.object({ name: z.string() }) }).optional(),
});
const PullEdit = z.object({
  title: z.string().min(1).max(255).optional(),
  draft: z.boolean().optional(),
  destination: z.object({ branch: z.object({ name: z.string() }) }).optional(),
});
const MergeBody = z.object({ merge_strategy: z.enum(['merge_commit', 'squash']).default('merge_commit') });
const CommentBody = z.object({ content: z.object({ raw: z.string().min(1).max(32_768) }) });

/** Pull requests and what is said in them. */
export function addPullRoutes(api: Api, host: Host): void {
  api.get(base, (c) => {
    const repository = repositoryOf(host, c, read);
    const state = c.req.query('state') ?? 'OPEN';
    const pulls = host.store.pulls.list(repository.id).map((pull) => pullShape(host, pull));
    return c.json(page(c, pulls.filter((pull) => pull.state === state).reverse(), 50));
  });

  api.post(base, async (c) => {
    const repository = repositoryOf(host, c, propose);
    const { title, description, draft, source, destination } = await readBody(c, NewPull);
    const [owner] = source.repository?.full_name.split('/') ?? [ownerOf(host, repository).login];
    const pull = await openPull(host, repository, actorOf(c.get('principal')), {
      title,
      body: description,
      draft,
      head: `${owner}:${source.branch.name}`,
      base: destination?.branch.name ?? repository.defaultBranch,
    });
    return c.json(pullShape(host, pull), 201);
  });

  api.get(`${base}/:number`, (c) => c.json(pullShape(host, pullOf(host, c, read))));

  api.put(`${base}/:number`, async (c) => {
    const pull = pullOf(host, c, propose);
    const actor = actorOf(c.get('principal'));
    const repository = host.store.repositories.get(pull.repositoryId);
    if (pull.authorId !== actor.account.id && !covers(roleOf(host, repository, actor.account.id), 'write'))
      throw new Refusal(403, 'You do not have write access to this pull request.');
    const { title, draft, destination } = await readBody(c, PullEdit);
    const edited = await editPull(host, pull, actor, {
      ...(title === undefined ? {} : { title }),
      ...(draft === undefined ? {} : { draft }),
      ...(destination === undefined ? {} : { base: destination.branch.name }),
    });
    return c.json(pullShape(host, edited));
  });

  api.get(`${base}/:number/commits`, async (c) => {
    const pull = pullOf(host, c, read);
    const repository = host.store.repositories.get(pull.repositoryId);
    const commits = await gitOf(host, repository.id).log([`${pull.baseSha}..${pull.headSha}`], { limit: 250 });
    const shown = page(c, commits, 100);
    return c.json({ ...shown, values: shown.values.map((commit) => commitShape(host, repository, commit)) });
  });

  api.get(`${base}/:number/diffstat`, (c) => c.redirect(diffStatUrl(host, pullOf(host, c, read)), 302));

  api.get(`${base}/:number/statuses`, (c) => {
    const pull = pullOf(host, c, read);
    return c.json(page(c, buildStatuses(host, pull.headRepositoryId, pull.headSha), 100));
  });

  api.post(`${base}/:number/merge`, async (c) => {
    repositoryOf(host, c, { resource: 'contents', level: 'write' });
    const pull = pullOf(host, c, read);
    const { merge_strategy } = await readBody(c, MergeBody);
    const method = merge_strategy === 'squash' ? 'squash' : 'merge';
    return c.json(pullShape(host, await mergePull(host, pull, actorOf(c.get('principal')), { method })));
  });

  api.post(`${base}/:number/decline`, async (c) => {
    repositoryOf(host, c, { resource: 'contents', level: 'write' });
    const pull = pullOf(host, c, read);
    return c.json(pullShape(host, await editPull(host, pull, actorOf(c.get('principal')), { state: 'closed' })));
  });

  api.get(`${base}/:number/comments`, (c) => {
    const pull = pullOf(host, c, read);
    const comments = host.store.comments.list(`${pull.repositoryId}#${pull.number}`);
    return c.json(
      page(
        c,
        comments.map((comment) => commentShape(host, pull, comment)),
        100,
      ),
    );
  });
  api.post(`${base}/:number/comments`, async (c) => {
    const pull = pullOf(host, c, propose);
    const { content } = await readBody(c, CommentBody);
    const comment = addComment(host, pull, actorOf(c.get('principal')), content.raw);
    return c.json(commentShape(host, pull, comment), 201);
  });
  api.get(`${base}/:number/comments/:id`, (c) => {
    const pull = pullOf(host, c, read);
    return c.json(commentShape(host, pull, commentOf(host, c, pull)));
  });
  api.put(`${base}/:number/comments/:id`, async (c) => {
    const pull = pullOf(host, c, propose);
    const actor = actorOf(c.get('principal'));
    const comment = commentOf(host, c, pull);
    if (comment.authorId !== actor.account.id) throw new Refusal(403, 'You are not the author of this comment.');
    if (comment.isDeleted === true) throw notFound();
    const { content } = await readBody(c, CommentBody);
    return c.json(commentShape(host, pull, editComment(host, pull, comment, actor, content.raw)));
  });
  api.delete(`${base}/:number/comments/:id`, (c) => {
    const pull = pullOf(host, c, propose);
    const actor = actorOf(c.get('principal'));
    const comment = commentOf(host, c, pull);
    const repository = host.store.repositories.get(pull.repositoryId);
    if (comment.authorId !== actor.account.id && !covers(roleOf(host, repository, actor.account.id), 'admin'))
      throw new Refusal(403, 'You are not the author of this comment.');
    softDeleteComment(host, pull, comment, actor);
    return c.body(null, 204);
  });

  api.post(`${repositoryPath}/forks`, async (c) => {
    const repository = repositoryOf(host, c, { resource: 'metadata', level: 'read' });
    const fork = await forkRepository(host, repository, actorOf(c.get('principal')));
    return c.json(fullRepositoryShape(host, fork), 201);
  });
}

function commentOf(host: Host, c: ApiContext, pull: Pull): Comment {
  const comment = host.store.comments.find(Number(c.req.param('id')));
  if (comment?.repositoryId !== pull.repositoryId || comment.number !== pull.number) throw notFound();
  return comment;
}
