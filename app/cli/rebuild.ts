import { Command } from 'commander';
import { z } from 'zod';
import { CliError } from './cli-error.ts';
import { linesOf } from './log-text.ts';
import { clientOf, outputOf, type ServerOptions, withServerOptions } from './output.ts';

const rebuiltSchema = z.object({ runs: z.number(), rollouts: z.number(), isDone: z.boolean() });

export function rebuildCommand(): Command {
  return withServerOptions(new Command('rebuild'))
    .description('make the lists of runs and deployments anew out of the log of events, while Slipway runs')
    .action(async (options: ServerOptions) => {
      const output = outputOf(options);
      const client = await clientOf(options);
      for await (const line of linesOf(client.text('/rebuild', 'POST'))) {
        const { isDone, ...rebuilt } = rebuiltSchema.parse(JSON.parse(line));
        if (isDone && output.json) return output.value(rebuilt);
        if (isDone) return output.line(`Rebuilt out of the log: ${rebuilt.runs} runs, ${rebuilt.rollouts} deployments`);
        if (!output.json) output.line(`${rebuilt.runs} runs so far`);
      }
      throw new CliError('The rebuild broke off', "See Slipway's log; it can be begun again at any time");
    });
}
