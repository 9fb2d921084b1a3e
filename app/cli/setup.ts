import { Command } from 'commander';
import { z } from 'zod';
import { clientOf, outputOf, type ServerOptions, withServerOptions } from './output.ts';

export function setupCommand(): Command {
  return withServerOptions(new Command('setup'))
    .description('print a link that opens the setup page, where one click registers Slipway as a GitHub App')
    .option('--organization <name>', 'organisation that shall own the App; your own account when left out')
    .option('--url <address>', 'GitHub Enterprise Server; github.com when left out')
    .action(async (options: ServerOptions & { readonly organization?: string; readonly url?: string }) => {
      const output = outputOf(options);
      const client = await clientOf(options);
      const { organization, url } = options;
      const { link } = await client.post('/setup-link', { organization, url }, z.object({ link: z.url() }));
      if (output.json) return output.value({ link });
      output.line('Open this link in your browser. It works once, within an hour:');
      output.line(`  ${link}`);
    });
}
