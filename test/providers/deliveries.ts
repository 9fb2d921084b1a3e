import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { HostEvent, InstallationChange, RepositoryRef } from '../../engine/core/trigger.ts';

const collected = join(import.meta.dirname, '../../../shared/webhooks');

export type Json = Record<string, unknown>;

/** A delivery that a project recorded, or that a host documents. Header names are lower case. */
export interface CollectedDelivery {
  readonly file: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
}

const File = z.object({ headers: z.record(z.string(), z.string()), body: z.record(z.string(), z.unknown()) });

/** All that were collected of a host; none where they are not at hand. */
export function collectedDeliveries(host: string): readonly CollectedDelivery[] {
  const folder = join(collected, host);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((file) => {
      const { headers, body } = File.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')));
      const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
      return { file: file.replace(/\.json$/, ''), headers: Object.fromEntries(lower), body };
    });
}

/** Everything that there is in a payload, by path: `pullrequest.source.branch.name`. Every entry of a list counts. */
export function fieldsOf(value: unknown, prefix = ''): readonly string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((entry) => fieldsOf(entry, `${prefix}[]`)))];
  if (typeof value !== 'object' || value === null) return [prefix];
  return Object.entries(value).flatMap(([key, inner]) => fieldsOf(inner, prefix === '' ? key : `${prefix}.${key}`));
}

/** An event in one line, with every field that the engine acts on. */
export function inWords(event: HostEvent): string {
  switch (event.type) {
    case 'ignored':
    case 'gone':
      return `ignored: ${event.because}`;
    case 'rerun':
      return `${event.button === undefined ? 'rerun' : `button ${event.button} on`} ${event.checkId ?? 'all'} of ${short(event.headSha)} by ${event.by.login}`;
    case 'comment':
      return `comment ${event.commentId} on #${event.number} by ${event.by.login}: ${event.body}`;
    case 'reaction':
      return `${event.change} ${event.content} to ${event.commentId} of #${event.number} by ${event.by.login}`;
    case 'label':
      return `labels of #${event.number} by ${event.by.login}: +[${event.added}] -[${event.removed}] =[${event.labels}]`;
    case 'installation':
      return `${event.tenant}${event.account === undefined ? '' : ` of ${event.account}`} ${changeInWords(event.change)} by ${event.by?.login}`;
    case 'trigger':
      return triggerInWords(event.trigger);
    case 'incomplete': {
      const { known, key } = event;
      if (known.type !== 'pull_request') return `ask for the rest: ${triggerInWords({ ...known, defaultBranch: '' })}`;
      const head = `${short(key.before)}..${short(key.after)}`;
      return `ask for the rest: ${known.action} #${known.number} ${head} into ${key.base} by ${known.actor.login}`;
    }
  }
}

function changeInWords(change: InstallationChange): string {
  const names = (repositories: readonly RepositoryRef[]) => repositories.map(({ owner, name }) => `${owner}/${name}`);
  switch (change.type) {
    case 'installed':
    case 'permissions_changed':
      return `${change.type} for ${change.repositories}`;
    case 'repositories_changed':
      return `+[${names(change.added)}] -[${names(change.removed)}]`;
    case 'repository_renamed':
    case 'repository_transferred':
    case 'repository_deleted':
      return `${change.type} from ${change.from} to ${names([change.repository])}`;
    default:
      return change.type;
  }
}

function triggerInWords(trigger: Extract<HostEvent, { type: 'trigger' }>['trigger']): string {
  const who = `by ${trigger.actor.login}`;
  switch (trigger.type) {
    case 'push':
      return `push ${trigger.branch} ${short(trigger.beforeSha ?? 'new')}..${short(trigger.headSha)} ${who}`;
    case 'tag':
      return `tag ${trigger.tag} ${short(trigger.headSha)} ${who}`;
    case 'pull_request': {
      const { action, number, headRef, headSha, baseRef, baseSha, isFork, isDraft, labels } = trigger;
      const marks = `${isFork ? ' fork' : ''}${isDraft ? ' draft' : ''}${labels.length > 0 ? ` [${labels}]` : ''}`;
      return `${action} #${number} ${headRef}@${short(headSha)} into ${baseRef}@${short(baseSha)}${marks} ${who}`;
    }
    case 'merge_group':
      return `merge group ${trigger.action} ${short(trigger.headSha)} for ${trigger.baseRef}@${short(trigger.baseSha)} ${who}`;
    default:
      return `${trigger.type} ${who}`;
  }
}

function short(sha: string): string {
  return sha.slice(0, 7);
}
