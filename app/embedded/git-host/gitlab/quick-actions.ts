import { covers, roleOf } from '../access/authorize.ts';
import { addComment } from '../domain/comments.ts';
import { addLabels, findLabel, removeLabel } from '../domain/labels.ts';
import { editPull } from '../domain/pulls.ts';
import type { Comment, Pull } from '../entities.ts';
import type { Actor, Host } from '../host.ts';

/** Of GitLab's quick actions those that a command of ours could be taken for, and the commonest others. */
const names =
  'approve|unapprove|merge|close|reopen|label|unlabel|relabel|assign|unassign|title|draft|ready|rebase|lock|unlock|done|todo|subscribe|unsubscribe|target_branch|request_review|submit_review|milestone|estimate|spend|copy_metadata|shrug|react';

const action = new RegExp(`^/(${names})\\b[ \\t]*(.*)$`);

/** A comment as GitLab takes it in: lines that are quick actions are carried out, and gone. Code is left alone. */
export function splitQuickActions(body: string): {
  readonly text: string;
  readonly actions: readonly { readonly name: string; readonly argument: string }[];
} {
  const actions: { name: string; argument: string }[] = [];
  let isCode = false;
  const kept = body.split(/\r?\n/).filter((line) => {
    if (/^\s*(?:```|~~~)/.test(line)) isCode = !isCode;
    const [, name, argument = ''] = isCode ? [] : (action.exec(line) ?? []);
    if (name === undefined) return true;
    actions.push({ name, argument: argument.trim() });
    return false;
  });
  return { text: kept.join('\n').trim(), actions };
}

/** What somebody writes: actions are carried out for who may write. @returns undefined where nothing else was said: GitLab then tells nobody */
export async function takeIn(host: Host, pull: Pull, actor: Actor, body: string): Promise<Comment | undefined> {
  const { text, actions } = splitQuickActions(body);
  const repository = host.store.repositories.get(pull.repositoryId);
  if (covers(roleOf(host, repository, actor.account.id), 'write'))
    for (const each of actions) await carryOut(host, pull, actor, each);
  return text === '' && actions.length > 0 ? undefined : addComment(host, pull, actor, text);
}

/** Those that change what this host keeps; the others are swallowed all the same. */
async function carryOut(
  host: Host,
  pull: Pull,
  actor: Actor,
  { name, argument }: { readonly name: string; readonly argument: string },
): Promise<void> {
  const labels = [...argument.matchAll(/~"([^"]+)"|~(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  switch (name) {
    case 'label':
      addLabels(host, pull, labels, actor);
      return;
    case 'unlabel': {
      const repository = host.store.repositories.get(pull.repositoryId);
      for (const each of labels) {
        const label = findLabel(host, repository, each);
        if (label !== undefined) removeLabel(host, pull, label, actor);
      }
      return;
    }
    case 'close':
    case 'reopen':
      await editPull(host, pull, actor, { state: name === 'close' ? 'closed' : 'open' });
      return;
    case 'draft':
    case 'ready':
      await editPull(host, pull, actor, { draft: name === 'draft' });
      return;
  }
}
