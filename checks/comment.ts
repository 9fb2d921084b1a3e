import { type Run, runStatus, type StageState, stageState } from '../engine/core/run.ts';
import type { PullRequestTrigger } from '../engine/core/trigger.ts';
import type { GitHostCapabilities } from '../providers/git-host.ts';
import { causeOf, noteOf, titleOf } from './check-run.ts';
import { clipped, code, codeBlock, duration, escaped, link } from './markdown.ts';
import { nextSteps } from './next-steps.ts';
import { approvedBy, waitsForPeople } from './waiting.ts';

/** Finds the one comment again; nobody sees it. */
export const commentMarker = '<!-- slipway -->';

const icons: Readonly<Record<StageState['status'], string>> = {
  waiting: '⚪',
  scheduled: '🔵',
  running: '🔵',
  succeeded: '✅',
  failed: '❌',
  skipped: '⏭️',
  cancelled: '⏹️',
};

const maxPlaces = 10;
/** What fits a cell of the table on a phone. */
const maxNoteChars = 40;
/** Keeps a number beside its unit, and a name beside its sign. */
const fixedSpace = '\u00a0';

/**
 * The comment that tells a pull request's whole story: what happened, what failed and where, what comes next.
 * @param addressOf the page of the run, or of a stage, with its log; absent where browsers do not reach Slipway
 */
export function renderComment(
  run: Run,
  capabilities: Pick<GitHostCapabilities, 'commentMaxChars' | 'slashCommandsTaken' | 'foldedSections'>,
  addressOf?: (stage?: string) => string,
): string {
  const parts = [
    headline(run),
    ...failures(run),
    table(run, addressOf),
    consents(run),
    commands(run, capabilities),
    footer(run, capabilities, addressOf),
  ].filter((part) => part !== '');
  return clipped(parts.join('\n\n'), capabilities.commentMaxChars - 200);
}

/** What a fork's pull request waits for, where a check cannot say it: hosts take no statuses for a fork's commit. */
export function renderConsentComment(
  { headSha }: Pick<PullRequestTrigger, 'headSha'>,
  { slashCommandsTaken }: Pick<GitHostCapabilities, 'slashCommandsTaken'>,
): string {
  return [
    '### ✋ Nothing runs yet: this comes from a fork',
    "A stranger's commands never run unasked. Somebody who may write here reads the change, then comments:",
    codeBlock([`/${slashCommandsTaken ? 'slipway ' : ''}ok-to-test ${headSha}`]),
    'That lets this head go and nothing later. The pipeline, and all it may reach, comes from the base branch.',
  ].join('\n\n');
}

function headline(run: Run): string {
  const status = runStatus(run);
  const taken = run.endedAt === undefined ? '' : ` in ${duration(run.endedAt.getTime() - run.createdAt.getTime())}`;
  const took = run.plan.stages.filter((stage) => stageState(run, stage.name).status !== 'skipped');
  const count = `${took.length} stage${took.length === 1 ? '' : 's'}`;
  const failed = failedStages(run);
  switch (status) {
    case 'SUCCEEDED': {
      const passed = took.length === 1 ? 'Passed' : `All ${count} passed`;
      const live = took.flatMap(({ name }) => {
        const state = stageState(run, name);
        return state.status === 'succeeded' && state.deployed !== undefined ? [state.deployed] : [];
      });
      if (live.length === 0) return `### ✅ ${passed}${taken}`;
      const revisions = live.map(({ environment, revision, url }) => {
        const at = url === undefined ? '' : `: ${link(url, url)}`;
        return `Revision ${revision} serves ${escaped(environment)}${at}`;
      });
      const names = live.map(({ environment }) => escaped(environment));
      return [`### 🚀 Live in ${names.join(', ')}`, [`${passed}${taken}`, ...revisions].join('. ')].join('\n\n');
    }
    case 'FAILED': {
      const [first, ...more] = failed;
      if (first === undefined) return '### ❌ Failed';
      return more.length === 0
        ? `### ❌ ${escaped(first.name)}: ${escaped(titleOf(first.state))}`
        : `### ❌ ${failed.length} stages failed: ${failed.map(({ name }) => escaped(name)).join(', ')}`;
    }
    case 'ROLLED_BACK': {
      const back = failed.find(({ state }) => state.rolledBackTo !== undefined)?.state.rolledBackTo;
      return back === undefined
        ? '### ↩️ The deployment was rolled back'
        : `### ↩️ ${escaped(back.environment)} was rolled back: revision ${back.revision} serves again`;
    }
    case 'CANCELLED': {
      const stopped = Object.values(run.stages).find((state) => state.status === 'cancelled');
      const reason =
        run.cancel?.reason ?? (stopped?.status === 'cancelled' ? stopped.reason : 'some stages were stopped');
      return `### ⏹️ Cancelled: ${escaped(reason)}`;
    }
    default: {
      const people = run.plan.stages.flatMap(({ name, deploy }) => {
        const why = deploy === undefined ? undefined : waitsForPeople(run, name);
        return why === undefined
          ? []
          : [
              `### ${why.startsWith('Held') ? '⏸️' : '🖐️'} ${escaped(deploy?.environment ?? '')}: ${escaped(why.charAt(0).toLowerCase() + why.slice(1))}`,
            ];
      });
      if (people[0] !== undefined) return people[0];
      const done = took.filter((stage) => stageState(run, stage.name).status === 'succeeded').length;
      return `### 🔵 ${status.charAt(0)}${status.slice(1).toLowerCase()}: ${done} of ${count} done`;
    }
  }
}

function failedStages(
  run: Run,
): readonly { readonly name: string; readonly state: Extract<StageState, { status: 'failed' }> }[] {
  return run.plan.stages.flatMap(({ name }) => {
    const state = stageState(run, name);
    return state.status === 'failed' ? [{ name, state }] : [];
  });
}

/** The failing lines first: that is what a reader came for. */
function failures(run: Run): string[] {
  const failed = failedStages(run);
  return failed.flatMap(({ name, state }) => {
    const { annotations, excerpt } = state.evidence;
    const places = annotations
      .slice(0, maxPlaces)
      .map(({ path, line, title }) => `- ${code(`${path}:${line}`)} ${escaped(title)}`);
    if (annotations.length > maxPlaces) places.push(`- … and ${annotations.length - maxPlaces} more`);
    // The headline says it where one stage alone failed, but for what a table's cell has no room for.
    const cause = failed.length > 1 || isLong(causeOf(state.cause)) ? escaped(causeOf(state.cause)) : '';
    const head = failed.length > 1 ? [`**${escaped(name)}**`, cause].join(': ') : cause;
    const parts = [head, places.join('\n'), excerpt.length > 0 ? codeBlock(excerpt) : ''].filter((part) => part !== '');
    return parts.length === 0 ? [] : [parts.join('\n\n')];
  });
}

/** Three columns, so that each has room on a phone. */
function table(run: Run, addressOf?: (stage?: string) => string): string {
  const rows = run.plan.stages.map(({ name }) => {
    const state = stageState(run, name);
    const time = state.status === 'succeeded' || state.status === 'failed' ? duration(state.durationMs) : '';
    const people = waitsForPeople(run, name);
    const icon = people === undefined ? icons[state.status] : people.startsWith('Held') ? '⏸️' : '🖐️';
    return `| ${icon}${fixedSpace}${addressOf === undefined ? escaped(name) : link(name, addressOf(name))} | ${escaped(people ?? shortNoteOf(state))} | ${time.replaceAll(' ', fixedSpace)} |`;
  });
  return ['| stage | result | time |', '|---|---|---:|', ...rows].join('\n');
}

/** A few words: time and long reasons stand elsewhere. */
function shortNoteOf(state: StageState): string {
  if (state.status === 'failed' && isLong(causeOf(state.cause)))
    return state.rolledBackTo === undefined ? 'Failed' : `Rolled back to revision ${state.rolledBackTo.revision}`;
  return noteOf(state);
}

function isLong(text: string): boolean {
  return text.length > maxNoteChars;
}

/** Who consented to what. */
function consents(run: Run): string {
  const lines = Object.values(run.approvals).flatMap((approval) => {
    const by = approvedBy(approval);
    return by === undefined ? [] : [`- **${escaped(approval.subject.environment)}**: ${escaped(by)}`];
  });
  return lines.join('\n');
}

/** What may be said now, and who may. */
function commands(run: Run, { slashCommandsTaken }: Pick<GitHostCapabilities, 'slashCommandsTaken'>): string {
  const prefix = slashCommandsTaken ? '/slipway ' : '/';
  const steps = nextSteps(run).map(
    ({ command, does, who }) => `- ${code(prefix + command)} ${does} · _${escaped(who)}_`,
  );
  const unasked = Object.values(run.approvals).some(({ status, prompt }) => status === 'open' && prompt === undefined);
  const place =
    run.outcome === undefined && unasked
      ? ` There is no prompt to answer here: ${code(`slipway approve ${run.runId}`)} on the command line does it.`
      : '';
  const begin = run.outcome === 'FAILED' ? 'A push that mends it starts a new run. You can say:' : 'You can say:';
  return `${begin}${place}\n${[...steps, `- ${code(`${prefix}help`)} lists all commands · _anyone_`].join('\n')}`;
}

function footer(
  run: Run,
  { foldedSections }: Pick<GitHostCapabilities, 'foldedSections'>,
  addressOf?: (stage?: string) => string,
): string {
  const { source } = run.plan;
  const from =
    source.type === 'file'
      ? `Pipeline: ${code(source.path)}`
      : source.type === 'revision'
        ? `Revision ${source.revision} of ${escaped(source.environment)}`
        : `Pipeline: found by itself. ${escaped(source.explanation.join(' '))} \`slipway init\` writes it down.`;
  const facts = `${from} · commit ${code(run.trigger.headSha.slice(0, 12))} · run ${addressOf === undefined ? code(run.runId) : link(run.runId, addressOf())}`;
  // Where folding is not understood, no other HTML is.
  return foldedSections ? `<sub>${facts}</sub>` : facts;
}
