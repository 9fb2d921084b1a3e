import { Command } from 'commander';
import { pipelineSchema } from '../../engine/pipeline-file/schema.ts';
import { parsePipeline, pipelineFile } from '../../engine/pipeline-file.ts';
import { CliError } from './cli-error.ts';
import { outputOf } from './output.ts';
import { readIfThere } from './read-if-there.ts';

export function validateCommand(): Command {
  return new Command('validate')
    .description('check a pipeline file: every mistake with its line, and how to mend it')
    .argument('[file]', 'the pipeline file', pipelineFile)
    .option('--json', 'print JSON')
    .option('--schema', 'print the JSON Schema of pipeline files, for editors')
    .action(async (file: string, options: { json?: boolean; schema?: boolean }) => {
      const output = outputOf(options);
      if (options.schema === true) return output.value(pipelineSchema);
      const fix = 'Name the file, or make one with `slipway init`';
      const text = await readIfThere(file, fix);
      if (text === undefined) throw new CliError(`There is no ${file} here`, fix);
      const parsed = parsePipeline(text, { path: file });
      const mistakes = 'mistakes' in parsed ? parsed.mistakes : [];
      if (mistakes.length > 0) process.exitCode = 1;
      if (output.json) return output.value({ file, mistakes });
      for (const { line, column, what, why, fix } of mistakes) {
        output.line(`${output.paint('bold', `${file}:${line}:${column}`)}  ${output.paint('red', what)}`);
        output.line(`    ${sentence(why)} ${sentence(fix)}`);
      }
      const stages = 'pipeline' in parsed ? parsed.pipeline.stages.length : 0;
      output.line(
        mistakes.length === 0
          ? `${output.paint('green', '✓')} ${file} is right: ${stages} stage${stages === 1 ? '' : 's'}`
          : output.paint('red', `${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'} in ${file}`),
      );
    });
}

function sentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}
