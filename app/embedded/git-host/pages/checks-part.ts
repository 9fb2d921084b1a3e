import { html } from 'hono/html';
import type { CheckRun, CommitStatus } from '../check-entities.ts';
import { latestCheckRuns } from '../domain/required-checks.ts';
import type { Repository } from '../entities.ts';
import { fullNameOf, type Host } from '../host.ts';
import { checkTone, checkWords, sign, type Tone } from './icons.ts';
import { count, duration, type Html, webLink } from './words.ts';

/** One line of a commit's state: a check run or a status. */
export interface CheckLine {
  readonly name: string;
  readonly tone: Tone;
  readonly words: string;
  readonly title: string;
  readonly href: string | undefined;
  /** Where its App tells more. */
  readonly details: string | undefined;
  readonly durationMs: number | undefined;
}

export function checkLines(host: Host, repository: Repository, sha: string): CheckLine[] {
  const fullName = fullNameOf(host, repository);
  const runs = latestCheckRuns(host, repository.id, sha).map((run) => ({
    name: run.name,
    tone: checkTone(run),
    words: checkWords(run),
    title: run.title ?? checkWords(run),
    href: `/${fullName}/runs/${run.id}`,
    details: detailsOf(host, run),
    durationMs: durationOf(host, run),
  }));
  const statuses = new Map<string, CommitStatus>();
  for (const status of host.store.statuses.list(`${repository.id}@${sha}`)) statuses.set(status.context, status);
  const tones = { success: 'good', failure: 'bad', error: 'bad', pending: 'busy' } as const;
  const builds = new Map(host.store.buildStatuses.list(`${repository.id}@${sha}`).map((each) => [each.key, each]));
  return [
    ...runs,
    ...[...builds.values()].map((status) => ({
      name: status.name,
      tone: toneOf(status.state),
      words: status.state.toLowerCase(),
      title: status.description === '' ? status.state.toLowerCase() : status.description,
      href: detailsHref(fullName, sha, status.name, webLink(status.url)),
      details: webLink(status.url),
      durationMs: undefined,
    })),
    ...[...statuses.values()].map((status) => ({
      name: status.context,
      tone: tones[status.state],
      words: status.state,
      title: status.description ?? status.state,
      href: detailsHref(fullName, sha, status.context, webLink(status.targetUrl ?? '')),
      details: webLink(status.targetUrl ?? ''),
      durationMs: undefined,
    })),
  ];
}

/** Where the App tells more; undefined where it only names this host's own page of the App. */
export function detailsOf(host: Host, run: CheckRun): string | undefined {
  const details = webLink(run.detailsUrl);
  return details?.startsWith(`${host.url}/apps/`) ? undefined : details;
}

/** By way of this host, which tells the App whose browser it is. */
export function detailsHref(fullName: string, sha: string, name: string, details: string | undefined) {
  return details === undefined ? undefined : `/${fullName}/details/${sha}?${new URLSearchParams({ of: name })}`;
}

/** Of a status in GitLab's or Bitbucket's words. */
function toneOf(state: string): Tone {
  switch (state.toLowerCase()) {
    case 'success':
    case 'successful':
      return 'good';
    case 'failed':
      return 'bad';
    case 'running':
    case 'inprogress':
      return 'busy';
    case 'pending':
      return 'waiting';
    default:
      return 'muted';
  }
}

export function durationOf(host: Host, run: CheckRun): number | undefined {
  if (run.status === 'queued') return undefined;
  const end = run.completedAt === null ? host.now() : new Date(run.completedAt);
  return end.getTime() - new Date(run.startedAt).getTime();
}

/** The worst of all, and what to say of it. */
export function summarize(lines: readonly CheckLine[]): { readonly tone: Tone; readonly words: string } {
  const failed = lines.filter(({ tone }) => tone === 'bad').length;
  const waiting = lines.filter(({ tone }) => tone === 'busy' || tone === 'waiting').length;
  const asking = lines.filter(({ tone }) => tone === 'attention').length;
  if (failed > 0) return { tone: 'bad', words: `${failed} of ${count(lines.length, 'check')} failed` };
  if (asking > 0) return { tone: 'attention', words: `${count(asking, 'check needs', 'checks need')} you` };
  if (waiting > 0) return { tone: 'busy', words: `${lines.length - waiting} of ${count(lines.length, 'check')} done` };
  return { tone: 'good', words: `${count(lines.length, 'check')} passed` };
}

/** A commit's mark in a list: nothing where there are no checks. */
export function commitMark(host: Host, repository: Repository, sha: string): Html | string {
  const lines = checkLines(host, repository, sha);
  if (lines.length === 0) return '';
  const { tone, words } = summarize(lines);
  return sign(tone, words);
}

export function checkList(lines: readonly CheckLine[], required: readonly string[]): Html {
  return html`<ul class="checks">
    ${lines.map(
      (line) => html`<li>
        ${sign(line.tone, line.words)}
        <span class="check-name">${line.href === undefined ? line.name : html`<a href="${line.href}">${line.name}</a>`}</span>
        <span class="check-title">${line.title}</span>
        ${required.includes(line.name) ? html`<span class="pill">Required</span>` : ''}
        ${line.durationMs === undefined ? '' : html`<span class="took">${duration(line.durationMs)}</span>`}
      </li>`,
    )}
    ${required
      .filter((name) => !lines.some((line) => line.name === name))
      .map(
        (name) => html`<li>
          ${sign('waiting', 'expected')}<span class="check-name">${name}</span
          ><span class="check-title">Expected: not reported yet</span><span class="pill">Required</span>
        </li>`,
      )}
  </ul>`;
}
