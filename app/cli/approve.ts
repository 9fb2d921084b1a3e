import { Command } from 'commander';
import { z } from 'zod';
import { clientOf, outputOf, type ServerOptions, withServerOptions } from './output.ts';

/** `approve` and `reject`: for deploys whose prompt stands in no pull request, and for emergencies. */
export function approveCommand(verdict: 'approve' | 'reject'): Command {
  const does = verdict === 'approve' ? 'consent to' : 'stop';
  return withServerOptions(new Command(verdict))
    .description(`${does} a deploy that waits for approval, as the operator of this Slipway`)
    .argument('<run>', "the run's id, or its beginning")
    .argument('[environment]', 'which one, where several wait')
    .option('--reason <text>', 'why, for those who read it later', '')
    .action(async (run: string, environment: string | undefined, options: ServerOptions & { reason: string }) => {
      const output = outputOf(options);
      const client = await clientOf(options);
      const body = { verdict, environment, reason: options.reason };
      const done = await client.post(
        `/runs/${encodeURIComponent(run)}/approval`,
        body,
        z.object({ message: z.string() }),
      );
      if (output.json) output.value(done);
      else output.line(done.message);
    });
}
