import { Command } from 'commander';
import { z } from 'zod';
import type { RunSummary } from '../../engine/ports/run-list.ts';
import { clientOf, outputOf, printable, type ServerOptions, wholeNumber, withServerOptions } from './output.ts';
import { formatDuration } from './run-view.ts';

export function runsCommand(): Command {
  return withServerOptions(new Command('runs'))
    .description('list runs, newest first')
    .option('--limit <n>', 'how many', '20')
    .option('--repository <owner/name>', 'of this repository only')
    .action(async (options: ServerOptions & { limit: string; repository?: string }) => {
      const output = outputOf(options);
      const client = await clientOf(options);
      const query = new URLSearchParams({
        limit: String(wholeNumber('--limit', options.limit, { from: 1, to: 200 })),
        ...(options.repository === undefined ? {} : { repository: options.repository }),
      });
      const runs = await client.get(`/runs?${query}`, z.array(z.custom<RunSummary>()));
      if (output.json) return output.value(runs);
      if (runs.length === 0) {
        const whose = options.repository === undefined ? '' : ` of ${printable(options.repository)}`;
        return output.line(`No runs${whose} yet. Push something, or open a pull request.`);
      }
      for (const run of runs) output.line(lineOf(run, output.paint));
    });
}

function lineOf(run: RunSummary, paint: ReturnType<typeof outputOf>['paint']): string {
  const style = run.status === 'SUCCEEDED' ? 'green' : run.hasEnded ? 'red' : 'cyan';
  const took = (run.endedAt ?? new Date()).getTime() - run.createdAt.getTime();
  const what = run.number === undefined ? run.ref : `#${run.number} ${run.ref}`;
  return [
    paint('bold', run.runId.padEnd(10)),
    paint(style, run.status.padEnd(11)),
    formatDuration(took).padStart(8),
    `${run.repository} ${what} ${run.headSha.slice(0, 7)}`,
    paint('gray', printable(run.title)),
  ].join('  ');
}
