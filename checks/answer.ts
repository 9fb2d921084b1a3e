import { isActive, namedStage, type Run, runStatus, stageState } from '../engine/core/run.ts';
import type { Wait } from '../engine/core/schedule.ts';
import type { GitHostCapabilities } from '../providers/git-host.ts';
import { titleOf } from './check-run.ts';
import { commandHelp } from './command.ts';
import { code, escaped } from './markdown.ts';
import { waitsForPeople } from './waiting.ts';

/** The table of commands, for `/help`. */
export function renderHelp({
  slashCommandsTaken,
  labels,
}: Pick<GitHostCapabilities, 'slashCommandsTaken' | 'labels'>): string {
  const prefixed = (text: string) => (slashCommandsTaken ? text.replace(/^\//, '/slipway ') : text);
  const rows = commandHelp.map(
    ({ usage, who, what }) =>
      `| ${code(prefixed(usage))} | ${who} | ${what.replaceAll(/`(\/[^`]*)`/g, (_, command: string) => code(prefixed(command)))} |`,
  );
  return [
    `What may be asked for here, at the start of a line.${slashCommandsTaken ? '' : ' `/slipway help` and the like work too.'}${labels ? ' The labels `hotfix`, `hold` and `skip-deploy` do the same.' : ' There are no labels here: write `/hotfix` and `/hold`.'}`,
    '',
    '| command | who | what |',
    '|---|---|---|',
    ...rows,
  ].join('\n');
}

/** Where a run stands, in a line and one for each stage. */
export function renderStatus(run: Run, waits: readonly Wait[]): string {
  const stages = run.plan.stages.map(({ name }) => `- ${escaped(name)}: ${whyOf(run, name, waits)}`);
  return [
    `Run ${code(run.runId)} of ${code(run.trigger.headSha.slice(0, 12))} is **${runStatus(run)}**.`,
    '',
    ...stages,
  ].join('\n');
}

/** Why a stage is where it is; of all that did not simply pass when no stage is named. */
export function renderWhy(run: Run, stage: string | undefined, waits: readonly Wait[]): string {
  if (stage !== undefined) {
    return namedStage(run, stage) === undefined
      ? `This run has no stage ${code(stage)}. It has: ${run.plan.stages.map(({ name }) => code(name)).join(', ')}.`
      : `${escaped(stage)}: ${whyOf(run, stage, waits)}`;
  }
  const open = run.plan.stages.filter(({ name }) => stageState(run, name).status !== 'succeeded');
  if (open.length === 0) return `Nothing blocks: all stages of run ${code(run.runId)} passed.`;
  return open.map(({ name }) => `- ${escaped(name)}: ${whyOf(run, name, waits)}`).join('\n');
}

function whyOf(run: Run, name: string, waits: readonly Wait[]): string {
  const state = stageState(run, name);
  const people = waitsForPeople(run, name);
  if (people !== undefined) return escaped(people.charAt(0).toLowerCase() + people.slice(1)) + policyWords(run);
  const wait = waits.find(({ stage }) => stage === name);
  if (state.status === 'scheduled')
    return wait === undefined
      ? 'has a slot, its pod starts'
      : `has a slot and waits for its pod: ${escaped(wait.reason)}`;
  if (isActive(state)) return 'runs now';
  if (state.status !== 'waiting') return escaped(titleOf(state));
  if (wait !== undefined) return escaped(wait.reason);
  const needs = run.plan.stages.find((stage) => stage.name === name)?.needs ?? [];
  const open = needs.filter((need) => stageState(run, need).status !== 'succeeded');
  if (open.length > 0) return `waits for ${open.map(code).join(', ')}`;
  return state.retryReason === undefined ? 'is next' : escaped(state.retryReason);
}

/** Which version of the policy asks for it. */
function policyWords({ plan }: Run): string {
  return plan.policy === undefined ? '' : ` (policy: ${code(`.slipway.yaml@${plan.policy.sha.slice(0, 12)}`)})`;
}
