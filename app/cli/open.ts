import { Command } from 'commander';
import { z } from 'zod';
import { clientOf, outputOf, runId, type ServerOptions, withServerOptions } from './output.ts';

export function openCommand(): Command {
  return withServerOptions(new Command('open'))
    .description("print a link that opens a run's page in your browser: stages, live logs, why it went as it did")
    .argument('<run>', 'id of the run, or the beginning of it', runId)
    .action(async (id: string, options: ServerOptions) => {
      const output = outputOf(options);
      const client = await clientOf(options);
      const { link } = await client.post(`/runs/${encodeURIComponent(id)}/link`, {}, z.object({ link: z.url() }));
      if (output.json) return output.value({ link });
      output.line('Open this link in your browser. It works once, within an hour:');
      output.line(`  ${link}`);
    });
}
