import { Command } from 'commander';
import { z } from 'zod';
import { clientOf, outputOf, runId, type ServerOptions, withServerOptions } from './output.ts';

export function cancelCommand(): Command {
  return withServerOptions(new Command('cancel'))
    .description('cancel a run: what waits is dropped, what runs is stopped')
    .argument('<run>', 'id of the run, or the beginning of it', runId)
    .option('--reason <text>', 'shown to everyone', 'cancelled by hand')
    .action(async (id: string, options: ServerOptions & { reason: string }) => {
      const output = outputOf(options);
      const client = await clientOf(options);
      const done = await client.post(
        `/runs/${encodeURIComponent(id)}/cancel`,
        { reason: options.reason },
        z.object({ runId: z.string() }),
      );
      if (output.json) output.value(done);
      else output.line(`Run ${done.runId} is cancelled`);
    });
}
