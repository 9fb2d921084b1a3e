import { Command } from 'commander';
import { z } from 'zod';
import { CliError } from './cli-error.ts';
import { clientOf, type Output, outputOf, printable, type ServerOptions, withServerOptions } from './output.ts';

const findingSchema = z.object({
  subject: z.string(),
  state: z.enum(['well', 'warning', 'broken']),
  what: z.string(),
  why: z.string().optional(),
  fix: z.string().optional(),
});
type Finding = z.infer<typeof findingSchema>;

const newsSchema = z.union([findingSchema, z.object({ error: z.string(), fix: z.string() })]);

export function doctorCommand(): Command {
  return withServerOptions(new Command('doctor'))
    .description('say what works, what does not and how to put it right: Slipway itself, and each installation')
    .addHelpText('after', '\nThe exit code is 1 where something is broken.')
    .action(async (options: ServerOptions) => {
      const output = outputOf(options);
      const client = await clientOf(options);
      const findings: Finding[] = [];
      for await (const news of client.lines('/doctor', {}, newsSchema)) {
        if ('error' in news) throw new CliError(news.error, news.fix);
        if (!output.json) for (const line of linesOf(news, findings.at(-1), output)) output.line(line);
        findings.push(news);
      }
      const count = (state: Finding['state']) => findings.filter((each) => each.state === state).length;
      const [broken, warnings, well] = [count('broken'), count('warning'), count('well')];
      if (output.json) output.value({ broken, warnings, well, findings });
      else output.line(`\n${summary(broken, warnings, well, output)}`);
      if (broken > 0) process.exitCode = 1;
    });
}

function linesOf(finding: Finding, before: Finding | undefined, { paint }: Output): readonly string[] {
  const { subject, state, what, why, fix } = finding;
  const sign = { well: paint('green', '✓'), warning: paint('yellow', '!'), broken: paint('red', '✗') }[state];
  return [
    ...(before?.subject === subject ? [] : [...(before === undefined ? [] : ['']), paint('bold', printable(subject))]),
    `  ${sign} ${printable(what)}`,
    ...(why === undefined ? [] : [`      ${paint('gray', 'why')}  ${printable(why)}`]),
    ...(fix === undefined ? [] : [`      ${paint('gray', 'fix')}  ${printable(fix)}`]),
  ];
}

function summary(broken: number, warnings: number, well: number, { paint }: Output): string {
  const parts = [
    ...(broken === 0 ? [] : [paint('red', `${broken} broken`)]),
    ...(warnings === 0 ? [] : [paint('yellow', `${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`)]),
    paint('green', `${well} well`),
  ];
  return parts.join(', ');
}
