import { Command } from 'commander';
import { z } from 'zod';
import { isActive, isEnded } from '../../engine/core/run.ts';
import { clientOf, outputOf, runId, type ServerOptions, withServerOptions } from './output.ts';
import { describeCause } from './run-view.ts';
import type { ShownRun } from './show.ts';

export function whyCommand(): Command {
  return withServerOptions(new Command('why'))
    .description('tell why each stage of a run is where it is')
    .argument('<run>', 'id of the run, or the beginning of it', runId)
    .action(async (id: string, options: ServerOptions) => {
      const output = outputOf(options);
      const client = await clientOf(options);
      const shown = await client.get(`/runs/${encodeURIComponent(id)}`, z.custom<ShownRun>());
      const reasons = shown.run.plan.stages.map(({ name }) => ({ stage: name, reason: reasonOf(shown, name) }));
      if (output.json) return output.value(reasons);
      const { source } = shown.run.plan;
      output.line(
        source.type === 'file'
          ? `Pipeline: ${source.path} at ${source.sha.slice(0, 7)}`
          : source.type === 'detected'
            ? `Pipeline: ${source.explanation.join(' ')}`
            : `Revision ${source.revision} of ${source.environment}, asked for by ${shown.run.trigger.actor.login}`,
      );
      const width = Math.max(...reasons.map(({ stage }) => stage.length));
      for (const { stage, reason } of reasons) output.line(`  ${output.paint('bold', stage.padEnd(width))}  ${reason}`);
    });
}

function reasonOf({ run, waits }: ShownRun, stage: string): string {
  const state = run.stages[stage];
  if (state === undefined) return '';
  const wait = waits.find((each) => each.stage === stage);
  if (state.status === 'waiting') {
    const needs = run.plan.stages.find(({ name }) => name === stage)?.needs ?? [];
    const open = needs.filter((need) => {
      const needed = run.stages[need];
      return needed !== undefined && !isEnded(needed);
    });
    if (open.length > 0) return `waits for ${open.join(', ')}`;
    if (state.notBefore !== undefined)
      return `waits until ${state.notBefore.toISOString()}: ${state.retryReason ?? ''}`;
    return `waits for a slot: ${wait?.reason ?? 'the next one is its own'}`;
  }
  if (state.status === 'scheduled')
    return wait === undefined ? `got a slot: ${state.reason}` : `has a slot and waits for its pod: ${wait.reason}`;
  if (isActive(state)) return `runs since ${state.startedAt.toISOString()}`;
  if (state.status === 'skipped') return `skipped: ${state.reason}`;
  if (state.status === 'cancelled') return `cancelled: ${state.reason}`;
  if (state.status !== 'failed') return 'succeeded';
  // A rollout runs no commands, so it has no log.
  const isRollout = run.plan.stages.some(({ name, deploy }) => name === stage && deploy !== undefined);
  return `failed: ${describeCause(state.cause)}${isRollout ? '' : `; see \`slipway logs ${run.runId} "${stage}"\``}`;
}
