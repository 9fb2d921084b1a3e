import { type Run, runStatus, type StageState, stageState } from '../engine/core/run.ts';
import type { PullRequestTrigger } from '../engine/core/trigger.ts';
import type { GitHostCapabilities } from '../providers/git-host.ts';
import { titleOf } from './check-run.ts';
import { clipped, code, codeBlock, duration, escaped } from './markdown.ts';
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

/** The comment that tells a pull request's whole story: what happened, what failed and where, what comes next. */
export function renderComment(
  run: Run,
  capabilities: Pick<GitHostCapabilities, 'commentMaxChars' | 'slashCommandsTaken' | 'foldedSections'>,
): string {
  const parts = [
    headline(run),
    ...failures(run),
    table(run),
    consents(run),
    commands(run, capabilities),
    footer(run, capabilities),
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
  switch (status) {
    case 'SUCCEEDED':
      return `### ✅ All ${count} passed${taken}`;
    case 'FAILED': {
      const failed = run.plan.stages.find((stage) => stageState(run, stage.name).status === 'failed');
      return `### ❌ ${failed === undefined ? 'Failed' : `${escaped(failed.name)}: ${escaped(titleOf(stageState(run, failed.name)))}`}`;
    }
    case 'ROLLED_BACK':
      return '### ↩️ The deployment was rolled back';
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

/** The failing lines first: that is what a reader came for. */
function failures(run: Run): string[] {
  return run.plan.stages.flatMap(({ name }) => {
    const state = stageState(run, name);
    if (state.status !== 'failed') return [];
    const places = state.evidence.annotations
      .slice(0, maxPlaces)
      .map(({ path, line, title }) => `- ${code(`${path}:${line}`)} ${escaped(title)}`);
    const parts = [
      places.join('\n'),
      state.evidence.excerpt.length > 0 ? codeBlock(state.evidence.excerpt) : '',
    ].filter((part) => part !== '');
    return parts.length === 0 ? [] : [parts.join('\n\n')];
  });
}

function table(run: Run): string {
  const rows = run.plan.stages.map(({ name }) => {
    const state = stageState(run, name);
    const time = state.status === 'succeeded' || state.status === 'failed' ? duration(state.durationMs) : '';
    // On a phone the number stays beside its unit.
    const kept = time.replaceAll(' ', '\u00a0');
    const people = waitsForPeople(run, name);
    const icon = people === undefined ? icons[state.status] : people.startsWith('Held') ? '⏸️' : '🖐️';
    return `| ${icon} | ${escaped(name)} | ${escaped(people ?? titleOf(state).replace(/ in \d[\d.]* (?:ms|s|min \d+ s)$/, ''))} | ${kept} |`;
  });
  return ['| | stage | | time |', '|---|---|---|---:|', ...rows].join('\n');
}

/** Who consented to what. */
function consents(run: Run): string {
  const lines = Object.values(run.approvals).flatMap((approval) => {
    const by = approvedBy(approval);
    return by === undefined ? [] : [`- **${escaped(approval.subject.environment)}**: ${escaped(by)}`];
  });
  return lines.join('\n');
}

/** What may be asked for now, by whom; all of it is under `/help`. */
function commands(run: Run, { slashCommandsTaken }: Pick<GitHostCapabilities, 'slashCommandsTaken'>): string {
  const say = (command: string) => code(slashCommandsTaken ? `/slipway ${command}` : `/${command}`);
  const writers = 'Who may write here can';
  const asked = Object.values(run.approvals).filter(({ status }) => status === 'open');
  const [first] = asked;
  if (run.outcome === undefined && first !== undefined) {
    const { environment } = first.subject;
    const where =
      first.prompt === undefined ? `${code(`slipway approve ${run.runId}`)} on the command line` : 'the prompt below';
    return `Answer ${where} with ${say(`approve ${environment}`)} or ${say('reject <reason>')}; anyone can ask ${say('why')}.`;
  }
  const held = run.plan.stages.find(
    ({ name, deploy }) => deploy !== undefined && waitsForPeople(run, name)?.startsWith('Held'),
  );
  if (run.outcome === undefined && held?.deploy !== undefined)
    return `${say(`unlock ${held.deploy.environment}`)} or ${say('unhold')} lets it go; anyone can ask ${say('why')}.`;
  if (run.outcome === undefined) return `${writers} stop it with ${say('cancel')}; anyone can ask ${say('why')}.`;
  if (run.outcome === 'SUCCEEDED' || run.outcome === 'ROLLED_BACK') {
    const deployed = run.plan.stages.find(
      ({ name, deploy }) => deploy !== undefined && stageState(run, name).status === 'succeeded',
    );
    if (deployed?.deploy?.known?.wasLive === true)
      return `The default branch still holds what came after it: ${say(`revert ${deployed.deploy.environment}`)} opens a pull request that takes it back.`;
    return deployed?.deploy === undefined
      ? ''
      : `Its deployers can go back with ${say(`rollback ${deployed.deploy.environment}`)}.`;
  }
  return `${writers} run what is left once more with ${say('retry')}; anyone can ask ${say('why')}.`;
}

function footer(run: Run, { foldedSections }: Pick<GitHostCapabilities, 'foldedSections'>): string {
  const { source } = run.plan;
  const from =
    source.type === 'file'
      ? `Pipeline: ${code(source.path)}`
      : source.type === 'revision'
        ? `Revision ${source.revision} of ${escaped(source.environment)}`
        : `Pipeline: found by itself. ${escaped(source.explanation.join(' '))} \`slipway init\` writes it down.`;
  const facts = `${from} · commit ${code(run.trigger.headSha.slice(0, 12))} · run ${code(run.runId)}`;
  // Where folding is not understood, no other HTML is.
  return foldedSections ? `<sub>${facts}</sub>` : facts;
}
