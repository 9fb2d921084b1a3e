import { z } from 'zod';
import { covers, roleOf } from '../access/authorize.ts';
import { actorOf } from '../access/principal.ts';
import { addReaction, deleteComment, editComment, removeReaction } from '../domain/comments.ts';
import { addLabels, findLabel, removeLabel } from '../domain/labels.ts';
import { mergePull } from '../domain/merge-pull.ts';
import { editPull, openPull } from '../domain/pulls.ts';
import type { Comment, Pull, Reaction } from '../entities.ts';
import { changedFiles } from '../git/changes.ts';
import { gitOf, type Host, ownerOf } from '../host.ts';
import { Refusal } from '../refusal.ts';
import type { Api, ApiContext } from '../rest-face.ts';
import { mergeRequestOf, page, projectOf, readFields } from './api.ts';
import { diffShape } from './code-routes.ts';
import { emojiNames, emojiOf } from './emoji.ts';
import { splitQuickActions, takeIn } from './quick-actions.ts';
import { mergeRequestShape, noteShape, userShape } from './shapes.ts';

const read = { resource: 'pull_requests', level: 'read' } as const;
const propose = { resource: 'pull_requests', level: 'write', role: 'read' } as const;
const base = '/projects/:project/merge_requests';
const notes = `${base}/:iid/notes` as const;
const awards = `${notes}/:note/award_emoji` as const;
const maxNoteChars = 1_000_000;

const NewMergeRequest = z.object({
  title: z.string().min(1).max(255),
  description: z.string().default(''),
  source_branch: z.string(),
  target_branch: z.string(),
  target_project_id: z.coerce.number().optional(),
});
const names = z
  .string()
  .default('')
  .transform((text) => text.split(',').filter((name) => name !== ''));
const Edit = z.object({
  title: z.string().min(1).max(255).optional(),
  target_branch: z.string().optional(),
  state_event: z.enum(['close', 'reopen']).optional(),
  add_labels: names,
  remove_labels: names,
});
const NoteBody = z.object({ body: z.string().min(1).max(maxNoteChars) });

/** Merge requests and what is said in them. */
export function addMergeRequestRoutes(api: Api, host: Host): void {
  api.get(base, (c) => {
    const project = projectOf(host, c, read);
    const state = c.req.query('state') ?? 'all';
    const shown = host.store.pulls
      .list(project.id)
      .reverse()
      .map((pull) => mergeRequestShape(host, pull));
    return c.json(
      page(
        c,
        shown.filter((request) => state === 'all' || request.state === state),
      ),
    );
  });

  /** Posted to where the branch is; the project it goes into may be another one. */
  api.post(base, async (c) => {
    const source = projectOf(host, c, propose);
    const fields = await readFields(c, NewMergeRequest);
    const target =
      fields.target_project_id === undefined ? source : host.store.repositories.find(fields.target_project_id);
    if (target === undefined) throw new Refusal(404, '404 Project Not Found');
    const { draft, title } = draftOf(fields.title);
    const pull = await openPull(host, target, actorOf(c.get('principal')), {
      title,
      draft,
      body: fields.description,
      head: `${ownerOf(host, source).login}:${fields.source_branch}`,
      base: fields.target_branch,
    });
    return c.json(mergeRequestShape(host, pull), 201);
  });

  api.get(`${base}/:iid`, (c) => c.json(mergeRequestShape(host, mergeRequestOf(host, c, read))));

  api.put(`${base}/:iid`, async (c) => {
    const pull = mergeRequestOf(host, c, propose);
    const actor = actorOf(c.get('principal'));
    requireOwnOrWrite(host, pull, pull.authorId, actor.account.id);
    const fields = await readFields(c, Edit);
    const title = fields.title === undefined ? undefined : draftOf(fields.title);
    const states = { close: 'closed', reopen: 'open' } as const;
    await editPull(host, pull, actor, {
      ...(title === undefined ? {} : title),
      ...(fields.target_branch === undefined ? {} : { base: fields.target_branch }),
      ...(fields.state_event === undefined ? {} : { state: states[fields.state_event] }),
    });
    addLabels(host, pull, fields.add_labels, actor);
    const repository = host.store.repositories.get(pull.repositoryId);
    for (const name of fields.remove_labels) {
      const label = findLabel(host, repository, name);
      if (label !== undefined) removeLabel(host, pull, label, actor);
    }
    return c.json(mergeRequestShape(host, host.store.pulls.get(pull.id)));
  });

  api.put(`${base}/:iid/merge`, async (c) => {
    projectOf(host, c, { resource: 'contents', level: 'write' });
    const pull = mergeRequestOf(host, c, read);
    const { sha, squash } = await readFields(
      c,
      z.object({ sha: z.string().optional(), squash: z.coerce.boolean().default(false) }),
    );
    if (sha !== undefined && sha !== pull.headSha) throw new Refusal(409, 'SHA does not match HEAD of source branch');
    const method = squash ? 'squash' : 'merge';
    return c.json(mergeRequestShape(host, await mergePull(host, pull, actorOf(c.get('principal')), { method })));
  });

  api.get(`${base}/:iid/diffs`, async (c) => {
    const pull = mergeRequestOf(host, c, read);
    const git = gitOf(host, pull.repositoryId);
    const files = await changedFiles(git, await git.mergeBase(pull.baseSha, pull.headSha), pull.headSha);
    return c.json(page(c, files).map(diffShape));
  });

  api.get(notes, (c) => {
    const pull = mergeRequestOf(host, c, read);
    const comments = host.store.comments.list(`${pull.repositoryId}#${pull.number}`);
    // The newest first, unless asked otherwise.
    const sorted = c.req.query('sort') === 'asc' ? comments : comments.toReversed();
    return c.json(page(c, sorted).map((comment) => noteShape(host, pull, comment)));
  });
  api.post(notes, async (c) => {
    const pull = mergeRequestOf(host, c, propose);
    const actor = actorOf(c.get('principal'));
    const { body } = await readFields(c, NoteBody);
    const comment = await takeIn(host, pull, actor, body);
    if (comment === undefined) return c.json({ commands_changes: {}, summary: ['Carried out.'] }, 202);
    return c.json(noteShape(host, pull, comment), 201);
  });
  api.get(`${notes}/:note`, (c) => {
    const pull = mergeRequestOf(host, c, read);
    return c.json(noteShape(host, pull, noteOf(host, c, pull)));
  });
  api.put(`${notes}/:note`, async (c) => {
    const pull = mergeRequestOf(host, c, propose);
    const actor = actorOf(c.get('principal'));
    const comment = noteOf(host, c, pull);
    requireOwnOrWrite(host, pull, comment.authorId, actor.account.id);
    const { body } = await readFields(c, NoteBody);
    const { text } = splitQuickActions(body);
    return c.json(noteShape(host, pull, editComment(host, pull, comment, actor, text)));
  });
  api.delete(`${notes}/:note`, (c) => {
    const pull = mergeRequestOf(host, c, propose);
    const actor = actorOf(c.get('principal'));
    const comment = noteOf(host, c, pull);
    requireOwnOrWrite(host, pull, comment.authorId, actor.account.id);
    deleteComment(host, pull, comment, actor);
    return c.body(null, 204);
  });

  api.get(awards, (c) => {
    const pull = mergeRequestOf(host, c, read);
    const reactions = host.store.reactions.list(`comment:${noteOf(host, c, pull).id}`);
    return c.json(page(c, reactions).map((reaction) => awardShape(host, reaction)));
  });
  api.post(awards, async (c) => {
    const pull = mergeRequestOf(host, c, propose);
    const comment = noteOf(host, c, pull);
    const { name } = await readFields(c, z.object({ name: z.string() }));
    const content = emojiOf.get(name);
    if (content === undefined) throw new Refusal(404, '404 Award Emoji Name is not a valid emoji name Not Found');
    const { reaction, isNew } = addReaction(host, `comment:${comment.id}`, actorOf(c.get('principal')), content);
    if (!isNew) throw new Refusal(404, '404 Award Emoji Name has already been taken Not Found');
    return c.json(awardShape(host, reaction), 201);
  });
  api.delete(`${awards}/:award`, (c) => {
    const pull = mergeRequestOf(host, c, propose);
    const actor = actorOf(c.get('principal'));
    const reaction = host.store.reactions.find(Number(c.req.param('award')));
    if (reaction?.subject !== `comment:${noteOf(host, c, pull).id}`)
      throw new Refusal(404, '404 Award Emoji Not Found');
    if (reaction.accountId !== actor.account.id) throw new Refusal(401, '401 Unauthorized');
    removeReaction(host, reaction, actor);
    return c.body(null, 204);
  });
}

/** GitLab keeps a draft in its title. */
function draftOf(title: string): { readonly title: string; readonly draft: boolean } {
  const [prefix = ''] = /^(?:\[draft\]|\(draft\)|draft:)\s*/i.exec(title) ?? [];
  return { title: title.slice(prefix.length), draft: prefix !== '' };
}

function requireOwnOrWrite(host: Host, pull: Pull, authorId: number, accountId: number): void {
  const repository = host.store.repositories.get(pull.repositoryId);
  if (authorId !== accountId && !covers(roleOf(host, repository, accountId), 'write'))
    throw new Refusal(403, '403 Forbidden');
}

function noteOf(host: Host, c: ApiContext, pull: Pull): Comment {
  const comment = host.store.comments.find(Number(c.req.param('note')));
  if (comment?.repositoryId !== pull.repositoryId || comment.number !== pull.number)
    throw new Refusal(404, '404 Not found');
  return comment;
}

function awardShape(host: Host, reaction: Reaction) {
  return {
    id: reaction.id,
    name: emojiNames[reaction.content],
    user: userShape(host, host.store.accounts.get(reaction.accountId)),
    created_at: reaction.createdAt,
    updated_at: reaction.createdAt,
    awardable_id: Number(reaction.subject.split(':')[1]),
    awardable_type: 'Note',
  };
}
