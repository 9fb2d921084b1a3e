import { stringify } from 'yaml';
import type { Pipeline } from '../core/pipeline.ts';
import { parsePipeline } from '../pipeline-file.ts';
import { detectGo } from './go.ts';
import { detectJava } from './java.ts';
import { detectNode } from './node.ts';
import { detectPython } from './python.ts';

/** The files of a repository, as far as detection looks at them. */
export interface RepositoryFiles {
  readonly paths: readonly string[];
  readFile(path: string): Promise<string | undefined>;
}

/** Stages that a stack brings, as they would be written in the pipeline file. */
export interface DetectedStack {
  readonly explanation: string;
  readonly stages: Readonly<Record<string, WrittenStage>>;
}

export interface WrittenStage {
  readonly kind?: 'build' | 'test';
  readonly image: string;
  readonly needs?: readonly string[];
  readonly commands: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly reports?: { readonly junit: string };
}

/** Looks for one stack in one folder (`''` is the root, else it ends with a slash). */
export type Detector = (files: RepositoryFiles, folder: string) => Promise<DetectedStack | undefined>;

const detectors: readonly Detector[] = [detectNode, detectPython, detectGo, detectJava];
const maxFolders = 8;
const markers =
  /(^|\/)(package\.json|pyproject\.toml|requirements\.txt|setup\.py|go\.mod|pom\.xml|build\.gradle(\.kts)?)$/;

/** A pipeline made of what is in the repository, why it is so, and the file that would say the same. */
export interface Detected {
  readonly pipeline: Pipeline;
  readonly explanation: readonly string[];
  readonly yaml: string;
}

export async function detectPipeline(files: RepositoryFiles): Promise<Detected> {
  const folders = [...new Set(files.paths.filter((path) => markers.test(path)).map(folderOf))]
    .filter(
      (folder) => folder.split('/').length <= 3 && !/(^|\/)(node_modules|vendor|testdata|fixtures)\//.test(folder),
    )
    .sort((a, b) => a.length - b.length || a.localeCompare(b));
  const root = folders.includes('') ? [''] : folders.slice(0, maxFolders);
  const explanation: string[] = [];
  const stages: Record<string, WrittenStage> = {};
  for (const folder of root) {
    for (const detect of detectors) {
      const stack = await detect(files, folder);
      if (stack === undefined) continue;
      explanation.push(`${folder === '' ? '' : `In ${folder}: `}${stack.explanation}`);
      for (const [name, stage] of Object.entries(stack.stages)) {
        const inFolder =
          folder === '' ? stage : { ...stage, commands: [`cd ${folder.slice(0, -1)}`, ...stage.commands] };
        stages[uniqueName(stages, folder === '' ? name : `${name} ${folder.slice(0, -1)}`)] = inFolder;
      }
    }
  }
  if (Object.keys(stages).length === 0) {
    const why = 'Nothing was found to build or test: no package.json, pyproject.toml, go.mod, pom.xml or the like.';
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
