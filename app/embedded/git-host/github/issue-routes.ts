import { z } from 'zod';
import { covers, roleOf } from '../access/authorize.ts';
import { actorOf } from '../access/principal.ts';
import { addComment, addReaction, deleteComment, editComment, removeReaction } from '../domain/comments.ts';
import { addLabels, createLabel, findLabel, removeLabel } from '../domain/labels.ts';
import { findPull } from '../domain/pulls.ts';
import { type Comment, ReactionContent, type Repository } from '../entities.ts';
import type { Actor, Host } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Api, ApiContext } from '../rest-face.ts';
import { numberParam, paginate, readBody, repositoryOf } from './api.ts';
import { commentShape, issueShape, reactionShape } from './shapes/comment.ts';
import { labelShape } from './shapes/pull.ts';

const read = { resource: 'issues', level: 'read' } as const;
const write = { resource: 'issues', level: 'write' } as const;
/** Anyone who can read may speak; an App needs the permission. */
const speak = { resource: 'issues', level: 'write', role: 'read' } as const;

const CommentBody = z.object({ body: z.string() });
const ReactionBody = z.object({ content: ReactionContent });
const LabelBody = z.object({
  name: z.string(),
  color: z
    .string()
    .regex(/^[0-9a-fA-F]{6}$/)
    .optional(),
  description: z.string().max(100).nullable().optional(),
});
const LabelNames = z.union([
  z.object({ labels: z.array(z.union([z.string(), z.object({ name: z.string() })])) }),
  z.array(z.string()).transform((labels) => ({ labels })),
]);

/** Comments, reactions and labels: at GitHub a pull request is an issue for these. */
export function addIssueRoutes(api: Api, host: Host): void {
  const base = '/repos/:owner/:repo';

  api.get(`${base}/issues/:number`, (c) => {
    const repository = repositoryOf(host, c, read);
    return c.json(issueShape(host, findPull(host, repository, numberParam(c, 'number'))));
  });

  api.get(`${base}/issues/:number/comments`, (c) => {
    const repository = repositoryOf(host, c, read);
    const pull = findPull(host, repository, numberParam(c, 'number'));
    const comments = host.store.comments.list(`${repository.id}#${pull.number}`);
    return c.json(paginate(c, comments).map((each) => commentShape(host, each)));
  });

  api.post(`${base}/issues/:number/comments`, async (c) => {
    const repository = repositoryOf(host, c, speak);
    const pull = findPull(host, repository, numberParam(c, 'number'));
    const { body } = await readBody(c, CommentBody, 'IssueComment');
    return c.json(commentShape(host, addComment(host, pull, actorOf(c.get('principal')), body)), 201);
  });

  api.get(`${base}/issues/comments/:id`, (c) =>
    c.json(commentShape(host, commentOf(host, c, repositoryOf(host, c, read)))),
  );

  api.patch(`${base}/issues/comments/:id`, async (c) => {
    const repository = repositoryOf(host, c, speak);
    const comment = commentOf(host, c, repository);
    const actor = actorOf(c.get('principal'));
    requireOwnComment(host, repository, comment, actor);
    const { body } = await readBody(c, CommentBody, 'IssueComment');
    const pull = findPull(host, repository, comment.number);
    return c.json(commentShape(host, editComment(host, pull, comment, actor, body)));
  });

  api.delete(`${base}/issues/comments/:id`, (c) => {
    const repository = repositoryOf(host, c, speak);
    const comment = commentOf(host, c, repository);
    const actor = actorOf(c.get('principal'));
    requireOwnComment(host, repository, comment, actor);
    deleteComment(host, findPull(host, repository, comment.number), comment, actor);
    return c.body(null, 204);
  });

  const subjects = [
    {
      path: `${base}/issues/comments/:id/reactions` as const,
      subject: (c: ApiContext, repository: Repository) => `comment:${commentOf(host, c, repository).id}`,
    },
    {
      path: `${base}/issues/:number/reactions` as const,
      subject: (c: ApiContext, repository: Repository) =>
        `pull:${findPull(host, repository, numberParam(c, 'number')).id}`,
    },
  ];
  for (const { path, subject } of subjects) {
    api.get(path, (c) => {
      const reactions = host.store.reactions.list(subject(c, repositoryOf(host, c, read)));
      const content = c.req.query('content');
      const wanted = reactions.filter((each) => content === undefined || each.content === content);
      return c.json(paginate(c, wanted).map((each) => reactionShape(host, each)));
    });
    api.post(path, async (c) => {
      const key = subject(c, repositoryOf(host, c, speak));
      const { content } = await readBody(c, ReactionBody, 'Reaction');
      const { reaction, isNew } = addReaction(host, key, actorOf(c.get('principal')), content);
      return c.json(reactionShape(host, reaction), isNew ? 201 : 200);
    });
    api.delete(`${path}/:reaction`, (c) => {
      const key = subject(c, repositoryOf(host, c, speak));
      const reaction = host.store.reactions.find(numberParam(c, 'reaction'));
      if (reaction?.subject !== key) throw notFound();
      if (reaction.accountId !== actorOf(c.get('principal')).account.id) throw new Refusal(403, 'Not your reaction');
      removeReaction(host, reaction, actorOf(c.get('principal')));
      return c.body(null, 204);
    });
  }

  api.get(`${base}/labels`, (c) =>
    c.json(paginate(c, host.store.labels.list(repositoryOf(host, c, read).id)).map((each) => labelShape(host, each))),
  );
  api.get(`${base}/labels/:name`, (c) => {
    const label = findLabel(host, repositoryOf(host, c, read), c.req.param('name'));
    if (label === undefined) throw notFound();
    return c.json(labelShape(host, label));
  });
  api.post(`${base}/labels`, async (c) => {
    const repository = repositoryOf(host, c, write);
    const { name, color, description } = await readBody(c, LabelBody, 'Label');
    const label = createLabel(host, repository, {
      name,
      ...(color === undefined ? {} : { color }),
      ...(description === undefined ? {} : { description }),
    });
    return c.json(labelShape(host, label), 201);
  });
  api.get(`${base}/issues/:number/labels`, (c) => {
    const repository = repositoryOf(host, c, read);
    return c.json(issueShape(host, findPull(host, repository, numberParam(c, 'number'))).labels);
  });
  api.post(`${base}/issues/:number/labels`, async (c) => {
    const repository = repositoryOf(host, c, write);
    const pull = findPull(host, repository, numberParam(c, 'number'));
    const { labels } = await readBody(c, LabelNames, 'Label');
    const names = labels.map((each) => (typeof each === 'string' ? each : each.name));
    return c.json(issueShape(host, addLabels(host, pull, names, actorOf(c.get('principal')))).labels);
  });
  api.delete(`${base}/issues/:number/labels/:name`, (c) => {
    const repository = repositoryOf(host, c, write);
    const pull = findPull(host, repository, numberParam(c, 'number'));
    const label = findLabel(host, repository, c.req.param('name'));
    if (label === undefined || !pull.labelIds.includes(label.id)) throw new Refusal(404, 'Label does not exist');
    return c.json(issueShape(host, removeLabel(host, pull, label, actorOf(c.get('principal')))).labels);
  });
}

function commentOf(host: Host, c: ApiContext, repository: Repository): Comment {
  const comment = host.store.comments.find(numberParam(c, 'id'));
  if (comment?.repositoryId !== repository.id) throw notFound();
  return comment;
}

/** One's own, or any with write access; an App only its own. */
function requireOwnComment(host: Host, repository: Repository, comment: Comment, actor: Actor): void {
  if (comment.authorId === actor.account.id) return;
  const mayModerate = actor.appId === null && covers(roleOf(host, repository, actor.account.id), 'write');
  if (!mayModerate) throw new Refusal(403, 'Resource not accessible by integration');
}
