import { Command } from 'commander';
import { z } from 'zod';
import { isActive } from '../../engine/core/run.ts';
import { CliError } from './cli-error.ts';
import { linesOf, logText } from './log-text.ts';
import { clientOf, outputOf, printable, runId, type ServerOptions, wholeNumber, withServerOptions } from './output.ts';
import type { ShownRun } from './show.ts';

const attempts = { from: 1, to: 1_000 };

export function logsCommand(): Command {
  return withServerOptions(new Command('logs'))
    .description("print a stage's log; without a stage, the one that failed or runs")
    .argument('<run>', 'id of the run, or the beginning of it', runId)
    .argument('[stage]', 'name of the stage')
    .option('-f, --follow', 'keep printing until the stage ends')
    .option('--attempt <n>', 'an earlier attempt')
    .action(
      async (
        id: string,
        stage: string | undefined,
        options: ServerOptions & { follow?: boolean; attempt?: string },
      ) => {
        const output = outputOf(options);
        const client = await clientOf(options);
        const path = `/runs/${encodeURIComponent(id)}`;
        const name = stage ?? interestingStage(await client.get(path, z.custom<ShownRun>()));
        const attempt =
          options.attempt === undefined ? {} : { attempt: String(wholeNumber('--attempt', options.attempt, attempts)) };
        const query = new URLSearchParams({
          follow: String(options.follow === true),
          ...attempt,
        });
        const isTerminal = process.stdout.isTTY === true;
        let count = 0;
        for await (const line of linesOf(client.text(`${path}/logs/${encodeURIComponent(name)}?${query}`))) {
          count += 1;
          output.line(output.json ? JSON.stringify({ stage: name, line }) : logText(line, isTerminal));
        }
        // An empty answer without a word looks like a mistake; what programs read stays empty.
        if (count === 0)
          process.stderr.write(`Stage "${printable(name)}" has no log; \`slipway why ${id}\` tells how it went\n`);
      },
    );
}

function interestingStage({ run }: ShownRun): string {
  const states = run.plan.stages.map(({ name }) => ({ name, state: run.stages[name] }));
  const found =
    states.find(({ state }) => state?.status === 'failed') ??
    states.find(({ state }) => state !== undefined && isActive(state)) ??
    states.findLast(({ state }) => state?.status === 'succeeded');
  if (found !== undefined) return found.name;
  throw new CliError(
    `No stage of run ${run.runId} has begun`,
    `Name one: ${states.map(({ name }) => name).join(', ')}`,
  );
}
