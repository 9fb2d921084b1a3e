import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { detectPipeline } from '../../engine/detect/detect.ts';
import { pipelineFile } from '../../engine/pipeline-file.ts';
import { systemErrorCode } from '../../engine/system-error.ts';
import { repositoryRoot } from '../embedded/working-tree.ts';
import { CliError } from './cli-error.ts';
import { outputOf } from './output.ts';
import { readIfThere } from './read-if-there.ts';

const passedOver = new Set(['.git', 'node_modules', 'vendor', 'target', 'build', 'dist', '.venv']);
const maxDepth = 4;

export function initCommand(): Command {
  return new Command('init')
    .description('write a pipeline file made of what is in this repository')
    .option('--force', 'replace the file that is there')
    .option('--print', 'print it instead of writing it')
    .option('--json', 'print JSON')
    .action(async (options: { force?: boolean; print?: boolean; json?: boolean }) => {
      const output = outputOf(options);
      const folder = await repositoryRoot(process.cwd());
      const { explanation, yaml } = await detectPipeline(await filesOf(folder));
      if (options.print === true)
        return output.json ? output.value({ yaml, explanation }) : output.line(yaml.trimEnd());
      const file = join(folder, pipelineFile);
      // A link is replaced, never written through: it may lead out of the repository.
      if (options.force === true) await rm(file, { force: true });
      await writeFile(file, yaml, { flag: 'wx' }).catch((error: unknown) => {
        if (systemErrorCode(error) !== 'EEXIST') throw error;
        throw new CliError(
          `${pipelineFile} is there already`,
          'See what would be written with --print, or replace it with --force',
        );
      });
      if (output.json) return output.value({ file: pipelineFile, explanation });
      for (const line of explanation) output.line(line);
      output.line(`${output.paint('green', '✓')} wrote ${pipelineFile}. Try it with \`slipway run\`.`);
    });
}

/** The files of a folder on this machine, as detection wants them. */
export async function filesOf(
  folder: string,
): Promise<{ readonly paths: readonly string[]; readonly readFile: (path: string) => Promise<string | undefined> }> {
  const paths: string[] = [];
  const walk = async (inside: string, depth: number): Promise<void> => {
    for (const entry of await readdir(join(folder, inside), { withFileTypes: true })) {
      const path = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if (entry.isFile()) paths.push(path);
      else if (entry.isDirectory() && depth < maxDepth && !passedOver.has(entry.name)) await walk(path, depth + 1);
    }
  };
  await walk('', 0);
  return {
    paths,
    readFile: (path) => readIfThere(join(folder, path), 'Detection needs to read it: mend its permissions'),
  };
}
