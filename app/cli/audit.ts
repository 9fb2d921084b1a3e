import { Command } from 'commander';
import { z } from 'zod';
import { clientOf, outputOf, type ServerOptions, withServerOptions } from './output.ts';

const entries = z.array(
  z.object({
    at: z.coerce.date(),
    repository: z.string(),
    who: z.object({ login: z.string(), id: z.string() }),
    what: z.string(),
    outcome: z.enum(['done', 'denied', 'refused']),
    why: z.string(),
    number: z.number().optional(),
    headSha: z.string().optional(),
    policySha: z.string().optional(),
    runId: z.string().optional(),
  }),
);

export function auditCommand(): Command {
  return withServerOptions(new Command('audit'))
    .description('what people asked for in pull requests, and what became of it; kept for 12 months')
    .option('--repository <owner/name>', 'of one repository')
    .option('--denied', 'only what people had no right to')
    .option('--limit <number>', 'how many, newest first', '50')
    .action(async (options: ServerOptions & { repository?: string; denied?: boolean; limit: string }) => {
      const output = outputOf(options);
      const client = await clientOf(options);
      const query = new URLSearchParams({
        limit: options.limit,
        ...(options.repository === undefined ? {} : { repository: options.repository }),
        ...(options.denied === true ? { outcome: 'denied' } : {}),
      });
      const found = await client.get(`/audit?${query}`, entries);
      if (output.json) return output.value(found);
      if (found.length === 0) output.line('Nobody asked for anything yet');
      for (const { at, repository, number, who, what, outcome, why, headSha, policySha } of found) {
        const where = number === undefined ? repository : `${repository}#${number}`;
        const on = [headSha && `on ${headSha.slice(0, 7)}`, policySha && `policy ${policySha.slice(0, 7)}`];
        output.line(`${at.toISOString().slice(0, 19)}Z  ${outcome.padEnd(7)}  ${who.login}  ${where}  ${what}`);
        output.line(`    ${[why, ...on.filter(Boolean)].join('; ')}`);
      }
    });
}
