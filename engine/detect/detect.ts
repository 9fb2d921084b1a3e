import { stringify } from 'yaml';
import type { Pipeline } from '../core/pipeline.ts';
import { parsePipeline } from '../pipeline-file.ts';
import type { Detector, RepositoryFiles, WrittenStage } from './detected-stack.ts';
import { detectDockerfile } from './dockerfile.ts';
import { detectGo } from './go.ts';
import { detectJava } from './java.ts';
import { detectNode } from './node.ts';
import { detectPython } from './python.ts';
import { detectStaticSite } from './static-site.ts';

/** What to look for, and the files that say where. */
interface Search {
  readonly markers: RegExp;
  readonly detectors: readonly Detector[];
}

const stacks: Search = {
  markers: /(^|\/)(package\.json|pyproject\.toml|requirements\.txt|setup\.py|go\.mod|pom\.xml|build\.gradle(\.kts)?)$/,
  detectors: [detectNode, detectPython, detectGo, detectJava],
};
/** Beside a stack these are a part of it: looked for where none was found. */
const withoutStack: Search = {
  markers: /(^|\/)(Dockerfile|index\.html)$/,
  detectors: [detectDockerfile, detectStaticSite],
};
const maxFolders = 8;
const othersCode = /(^|\/)(node_modules|vendor|testdata|fixtures)\//;

/** A pipeline made of what is in the repository, why it is so, and the file that would say the same. */
export interface Detected {
  readonly pipeline: Pipeline;
  readonly explanation: readonly string[];
  readonly yaml: string;
}

/** Never fails for what it finds: where there is nothing to build, the explanation says so and there are no stages. */
export async function detectPipeline(files: RepositoryFiles): Promise<Detected> {
  const found = await searchFor(stacks, files);
  const { explanation, stages } = found.explanation.length > 0 ? found : await searchFor(withoutStack, files);
  if (Object.keys(stages).length === 0) {
    const why =
      'Nothing was found to build or test: no package.json with scripts, no pyproject.toml, go.mod, pom.xml, build.gradle, Dockerfile or index.html.';
    return { pipeline: { on: [], stages: [] }, explanation: [why], yaml: template };
  }
  const yaml = `${explanation.map((line) => `# ${line}`).join('\n')}\n${stringify({ stages }, { lineWidth: 120 })}`;
  const parsed = parsePipeline(yaml, { path: 'the detected pipeline' });
  if ('pipeline' in parsed) return { pipeline: parsed.pipeline, explanation, yaml };
  const [mistake] = parsed.mistakes;
  return {
    pipeline: { on: [], stages: [] },
    explanation: [`What was found cannot be written as a pipeline: ${mistake?.what}. ${mistake?.why}.`],
    yaml: template,
  };
}

async function searchFor(
  { markers, detectors }: Search,
  files: RepositoryFiles,
): Promise<{ readonly explanation: readonly string[]; readonly stages: Readonly<Record<string, WrittenStage>> }> {
  const explanation: string[] = [];
  const stages: Record<string, WrittenStage> = {};
  for (const folder of foldersWith(markers, files.paths)) {
    for (const detect of detectors) {
      const stack = await detect(files, folder);
      if (stack === undefined) continue;
      explanation.push(`${folder === '' ? '' : `In ${folder}: `}${stack.explanation}`);
      for (const [name, stage] of Object.entries(stack.stages)) {
        const own = folder === '' ? name : `${name} ${folder.slice(0, -1)}`;
        stages[uniqueName(stages, own)] = folder === '' ? stage : inFolder(stage, folder);
      }
    }
  }
  return { explanation, stages };
}

/** Commands move into the folder; what they write there is looked for from the root. */
function inFolder(stage: WrittenStage, folder: string): WrittenStage {
  return {
    ...stage,
    commands: [`cd '${folder.slice(0, -1)}'`, ...stage.commands],
    ...(stage.reports === undefined ? {} : { reports: { junit: `${folder}${stage.reports.junit}` } }),
  };
}

/** The root where it has a marker, else the folders nearest to it. */
function foldersWith(markers: RegExp, paths: readonly string[]): readonly string[] {
  const folders = [...new Set(paths.filter((path) => markers.test(path)).map(folderOf))]
    // A name that could be more than a name, in a shell line or a comment, is left out.
    .filter((folder) => folder.split('/').length <= 3 && !othersCode.test(folder) && /^[\w@+. /-]*$/.test(folder))
    .sort((a, b) => a.length - b.length || a.localeCompare(b));
  return folders.includes('') ? [''] : folders.slice(0, maxFolders);
}

const template = `# Nothing was found to build or test, so this is a place to begin.
stages:
  test:
    commands:
      - echo "Replace this line by your tests"
`;

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

function uniqueName(stages: Readonly<Record<string, unknown>>, name: string): string {
  let unique = name;
  for (let count = 2; Object.hasOwn(stages, unique); count += 1) unique = `${name} ${count}`;
  return unique;
}
