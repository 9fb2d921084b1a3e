import { Command } from 'commander';
import { z } from 'zod';
import type { RunEvent } from '../../engine/core/run-events.ts';
import type { Wait } from '../../engine/core/schedule.ts';
import type { Commit } from '../../engine/ports/event-store.ts';
import type { RunChange } from '../../engine/run-loop.ts';
import { clientOf, outputOf, runId, type ServerOptions, wholeNumber, withServerOptions } from './output.ts';
import { failureLines, headLine, stageLines } from './run-view.ts';

export type ShownRun = RunChange & { readonly waits: readonly Wait[] };

export function showCommand(): Command {
  return withServerOptions(new Command('show'))
    .description('show a run, as it is or as it was after any commit')
    .argument('<run>', 'id of the run, or the beginning of it', runId)
    .option('--at <commit>', 'as it was after this commit (1 is the first)')
    .option('--events', 'list the events instead')
    .action(async (id: string, options: ServerOptions & { at?: string; events?: boolean }) => {
      const output = outputOf(options);
      const client = await clientOf(options);
      const path = `/runs/${encodeURIComponent(id)}`;
      if (options.events === true) {
        const commits = await client.get(`${path}/events`, z.array(z.custom<Commit<RunEvent>>()));
        if (output.json) return output.value(commits);
        for (const { version, events } of commits) {
          for (const event of events)
            output.line(`${String(version).padStart(4)}  ${event.at.toISOString()}  ${describeEvent(event)}`);
        }
        return;
      }
      const at =
        options.at === undefined
          ? undefined
          : wholeNumber('--at', options.at, { from: 1, to: Number.MAX_SAFE_INTEGER });
      const shown = await client.get(at === undefined ? path : `${path}?at=${at}`, z.custom<ShownRun>());
      if (output.json) return output.value(shown);
      const { run, version } = shown;
      output.line(`${headLine(run, output.paint)} ${output.paint('gray', `after commit ${version}`)}`);
      const asOf = shown.events.at(-1)?.at ?? new Date();
      for (const line of stageLines(run, options.at === undefined ? new Date() : asOf, output.paint)) output.line(line);
      for (const line of failureLines(run, output.paint)) output.line(line);
    });
}

function describeEvent(event: RunEvent): string {
  const stage = 'stage' in event ? ` ${event.stage}` : '';
  const attempt = 'attempt' in event ? ` #${event.attempt}` : '';
  const reason = 'reason' in event ? `: ${event.reason}` : '';
  const end =
    event.type === 'RunFinished' ? `: ${event.outcome}` : event.type === 'StageFailed' ? `: ${event.cause.type}` : '';
  return `${event.type}${stage}${attempt}${reason}${end}`;
}
