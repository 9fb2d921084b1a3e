import type { Hono } from 'hono';
import { requireAccess } from '../access/authorize.ts';
import { emitCheckRun, requestAction } from '../domain/check-runs.ts';
import { addReaction, removeReaction } from '../domain/comments.ts';
import { addLabels, findLabel, removeLabel } from '../domain/labels.ts';
import { mergePull } from '../domain/merge-pull.ts';
import { joinQueue } from '../domain/merge-queue.ts';
import { editPull, findPull, openPull } from '../domain/pulls.ts';
import { type Pull, ReactionContent, type Repository } from '../entities.ts';
import { fullNameOf, type Host } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import { numberIn, repositoryIn } from './addresses.ts';
import { actorOf, type PageContext, type PageEnv } from './session.ts';

/** What the forms do; each ends where the person was. */
export function addPullActions(pages: Hono<PageEnv>, host: Host): void {
  const base = '/:owner/:repo';

  pages.post(`${base}/pulls`, async (c) => {
    const repository = repositoryIn(host, c);
    const form = await fields(c);
    const pull = await openPull(host, repository, actorOf(c.get('viewer')), {
      title: form('title').trim() || form('head'),
      body: form('body') || null,
      head: form('head'),
      base: repository.defaultBranch,
      draft: false,
    });
    return c.redirect(pullHref(host, repository, pull), 303);
  });

  const act = (
    path: string,
    work: (c: PageContext, at: { repository: Repository; pull: Pull }, form: (name: string) => string) => Promise<void>,
  ): void => {
    pages.post(`${base}/pull/:number/${path}`, async (c) => {
      const repository = repositoryIn(host, c);
      const pull = findPull(host, repository, numberIn(c, 'number'));
      await work(c, { repository, pull }, await fields(c));
      return c.redirect(pullHref(host, repository, pull), 303);
    });
  };
  const requireRight = (c: PageContext, repository: Repository, pull?: Pull): void => {
    const { account } = c.get('viewer');
    if (pull?.authorId === account.id) return;
    requireAccess(host, { type: 'user', account }, repository, { resource: 'pull_requests', level: 'write' });
  };

  act('comment', async (c, { repository, pull }, form) => {
    const actor = actorOf(c.get('viewer'));
    const next = form('next');
    if (form('body').trim() !== '' || next === 'stay') await host.face.comment(host, pull, actor, form('body'));
    if (next !== 'close' && next !== 'reopen') return;
    requireRight(c, repository, pull);
    await editPull(host, pull, actor, { state: next === 'close' ? 'closed' : 'open' });
  });
  act('merge', async (c, { repository, pull }, form) => {
    requireRight(c, repository);
    if (form('method') === 'queue') return joinQueue(host, pull, actorOf(c.get('viewer')));
    const method = form('method') === 'squash' ? 'squash' : 'merge';
    await mergePull(host, pull, actorOf(c.get('viewer')), { method, expectedHeadSha: form('sha') });
  });
  for (const state of ['ready', 'draft'] as const)
    act(state, async (c, { repository, pull }) => {
      requireRight(c, repository, pull);
      await editPull(host, pull, actorOf(c.get('viewer')), { draft: state === 'draft' });
    });
  act('labels', async (c, { repository, pull }, form) => {
    requireRight(c, repository);
    addLabels(host, pull, [form('name')], actorOf(c.get('viewer')));
  });
  act('labels/remove', async (c, { repository, pull }, form) => {
    requireRight(c, repository);
    const label = findLabel(host, repository, form('name'));
    if (label === undefined) throw notFound();
    removeLabel(host, pull, label, actorOf(c.get('viewer')));
  });
  act('reactions', async (c, { pull }, form) => toggleReaction(host, c, `pull:${pull.id}`, form('content')));
  act('comments/:id/reactions', async (c, { pull }, form) => {
    const comment = host.store.comments.find(numberIn(c, 'id'));
    if (comment?.repositoryId !== pull.repositoryId || comment.number !== pull.number) throw notFound();
    toggleReaction(host, c, `comment:${comment.id}`, form('content'));
  });

  for (const what of ['rerequest', 'action'] as const)
    pages.post(`${base}/runs/:id/${what}`, async (c) => {
      const repository = repositoryIn(host, c);
      requireRight(c, repository);
      const run = host.store.checkRuns.find(numberIn(c, 'id'));
      if (run?.repositoryId !== repository.id) throw notFound();
      const actor = actorOf(c.get('viewer'));
      const identifier = (await fields(c))('identifier');
      if (what === 'rerequest') emitCheckRun(host, repository, run, 'rerequested', actor);
      else if (run.actions.some((action) => action.identifier === identifier))
        requestAction(host, repository, run, identifier, actor);
      else throw notFound();
      return c.redirect(`/${fullNameOf(host, repository)}/runs/${run.id}`, 303);
    });
}

/** Pressing a reaction again takes it back. */
function toggleReaction(host: Host, c: PageContext, subject: string, text: string): void {
  const content = ReactionContent.safeParse(text);
  if (!content.success) throw new Refusal(422, 'There is no such reaction');
  const actor = actorOf(c.get('viewer'));
  const { reaction, isNew } = addReaction(host, subject, actor, content.data);
  if (!isNew) removeReaction(host, reaction, actor);
}

async function fields(c: PageContext): Promise<(name: string) => string> {
  const form = await c.req.parseBody();
  return (name) => {
    const value = form[name];
    // Browsers send line ends as two characters; Markdown and commands want one.
    return typeof value === 'string' ? value.replaceAll('\r\n', '\n') : '';
  };
}

function pullHref(host: Host, repository: Repository, pull: Pull): string {
  return `/${fullNameOf(host, repository)}/pull/${pull.number}`;
}
