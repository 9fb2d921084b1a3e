import { Command } from 'commander';
import { z } from 'zod';
import { clientOf, outputOf, runId, type ServerOptions, withServerOptions } from './output.ts';

export function retryCommand(): Command {
  return withServerOptions(new Command('retry'))
    .description('run failed stages of a run once more, on the same commit')
    .argument('<run>', 'id of the run, or the beginning of it', runId)
    .argument('[stages...]', 'these stages instead of the failed ones')
    .action(async (id: string, stages: string[], options: ServerOptions) => {
      const output = outputOf(options);
      const client = await clientOf(options);
      const body = stages.length === 0 ? {} : { stages };
      const done = await client.post(`/runs/${encodeURIComponent(id)}/retry`, body, z.object({ runId: z.string() }));
      if (output.json) output.value(done);
      else output.line(`Run ${done.runId} goes on. Follow it with \`slipway show ${done.runId}\``);
    });
}
