import type { Approval } from '../engine/core/approval.ts';
import type { Run } from '../engine/core/run.ts';
import type { GitHostCapabilities } from '../providers/git-host.ts';
import { clipped, code, escaped } from './markdown.ts';
import { whoMay } from './waiting.ts';

const maxPaths = 15;

/** A revision of the environment, for its history. */
export interface PastRevision {
  readonly number: number;
  readonly digest: string;
  readonly by: string;
  readonly at: Date;
  readonly headSha?: string;
  readonly state: 'rolling' | 'live' | 'retired' | 'failed';
}

/** What a person should know before they consent. */
export interface PromptFacts {
  readonly run: Run;
  readonly stage: string;
  readonly approval: Approval;
  /** Newest first. */
  readonly history: readonly PastRevision[];
  /** Between what is live and what would be; `isComplete` false: there is more. */
  readonly changed?: { readonly paths: readonly string[]; readonly isComplete: boolean };
}

type Capabilities = Pick<
  GitHostCapabilities,
  'commentMaxChars' | 'slashCommandsTaken' | 'reactions' | 'foldedSections'
>;

/** A prompt is a comment for one state; another state gets another comment. */
export function promptMarker(runId: string, stage: string, approval: number): string {
  return `<!-- slipway prompt ${runId} ${stage.replaceAll(/[^\w]/g, '-')} ${approval} -->`;
}

/** The difference, what changes in the environment, how it goes back, who made it, what was before. */
export function renderPrompt(facts: PromptFacts, host: Capabilities): string {
  const { run, approval, history } = facts;
  const { subject, policy, expiresAt, voided } = approval;
  const live = history.find(({ state }) => state === 'live');
  const say = (command: string) => code(`/${host.slashCommandsTaken ? 'slipway ' : ''}${command}`);
  const answer = [
    `${say(`approve ${subject.environment}`)} or ${say('reject <reason>')} in a new comment`,
    ...(host.reactions === 'none' ? [] : ['or 👍 / 👎 on this one']),
  ].join(' ');
  const back =
    live === undefined
      ? 'there was nothing before: if it does not get ready, the service is taken away'
      : `to revision ${live.number} by itself if it does not get ready, or by ${say(`rollback ${subject.environment} ${live.number}`)}`;
  const rows = [
    ['Change', `${escaped(run.trigger.title.slice(0, 200))} (${code(subject.headSha.slice(0, 12))})`],
    ['Author', subject.authors.map(({ login }) => escaped(login)).join(', ')],
    [
      escaped(subject.environment),
      `${live === undefined ? 'nothing' : `revision ${live.number}, ${code(short(live.digest))}`} → ${code(short(subject.digest))}`,
    ],
    [
      'Difference',
      `${code(subject.baseSha.slice(0, 12))} → ${code(subject.headSha.slice(0, 12))}${countOf(facts.changed)}`,
    ],
    ['Goes back', back],
    ['Run', `${code(run.runId)}, all before ${escaped(facts.stage)} passed`],
  ];
  return clipped(
    [
      `### 🖐️ ${escaped(subject.environment)} waits for approval`,
      ...(voided === undefined
        ? []
        : [
            `Asked anew: the ${voided.field} moved from ${code(short(voided.was))} to ${code(short(voided.is))}, so what was said before is void.`,
          ]),
      table(rows),
      ...section('Changed files', pathList(facts.changed), host),
      ...section('What it ran before', historyList(history), host),
      `**Answer:** ${answer}. It takes ${policy.required === 1 ? '' : `${policy.required} of `}${escaped(whoMay(approval))}${policy.mayAuthorApprove ? '' : ', not the author'}.${expiresAt === undefined ? '' : ` ${policy.onTimeout === 'advance' ? 'Without an answer it goes on' : 'Without an answer it is stopped'} at ${time(expiresAt)}.`}`,
      `<sub>For this state alone: a new push, another revision in ${escaped(subject.environment)} or an edit of this comment voids it. Policy of ${code((run.plan.policy?.sha ?? '').slice(0, 12))}.</sub>`,
    ]
      .map((part) => (host.foldedSections ? part : part.replaceAll(/<\/?sub>/g, '')))
      .join('\n\n'),
    host.commentMaxChars - 300,
  );
}

/** The first row is its head: hosts want one, and read an empty one aloud. */
function table(rows: readonly (readonly string[])[]): string {
  const [head = '', ...rest] = rows.map(([name, value]) => `| **${name}** | ${value} |`);
  return [head, '|---|---|', ...rest].join('\n');
}

/** `sha256:` and its first digits: enough to tell two apart. */
export function short(text: string): string {
  return text.replace(/(sha256:[0-9a-f]{12})[0-9a-f]+/g, '$1').replace(/^([0-9a-f]{12})[0-9a-f]{28,}$/, '$1');
}

/** To the minute, in UTC. */
function time(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** Folded where the host can, as it is where it cannot. */
function section(title: string, body: string, { foldedSections }: Pick<Capabilities, 'foldedSections'>): string[] {
  if (body === '') return [];
  return foldedSections
    ? [`<details><summary>${title}</summary>\n\n${body}\n\n</details>`]
    : [`**${title}**\n\n${body}`];
}

/** A line each: a table of so many columns would have to be scrolled on a phone. */
export function historyList(history: readonly PastRevision[]): string {
  return history
    .map(({ number, digest, by, at, headSha, state }) => {
      const commit = headSha === undefined ? '' : `, commit ${code(headSha.slice(0, 12))}`;
      return `- **${number}** (${state}): ${code(short(digest))}${commit}, by ${escaped(by)} at ${time(at)}`;
    })
    .join('\n');
}

function countOf(changed: PromptFacts['changed']): string {
  if (changed === undefined) return '';
  const { paths, isComplete } = changed;
  return `, ${isComplete ? '' : 'at least '}${paths.length} file${paths.length === 1 ? '' : 's'}`;
}

function pathList(changed: PromptFacts['changed']): string {
  if (changed === undefined || changed.paths.length === 0) return '';
  const more = changed.paths.length - maxPaths;
  const rows = changed.paths.slice(0, maxPaths).map((path) => `- ${code(path)}`);
  return [...rows, ...(more > 0 || !changed.isComplete ? [`- … and ${more > 0 ? `${more} more` : 'more'}`] : [])].join(
    '\n',
  );
}
