import { z } from 'zod';
import { jsonIn } from '../json-in.ts';
import type { DetectedStack, Detector, WrittenStage } from './detected-stack.ts';

const packageSchema = z.object({
  scripts: z.record(z.string(), z.string()).default({}),
  dependencies: z.record(z.string(), z.unknown()).default({}),
  devDependencies: z.record(z.string(), z.unknown()).default({}),
  engines: z.object({ node: z.string().optional() }).optional(),
});

const placeholder = /no test specified/;

/** npm, pnpm or yarn by the lockfile; the scripts lint, test and build. */
export const detectNode: Detector = async (files, folder) => {
  const text = files.paths.includes(`${folder}package.json`)
    ? await files.readFile(`${folder}package.json`)
    : undefined;
  const parsed = text === undefined ? undefined : packageSchema.safeParse(jsonIn(text));
  if (parsed?.success !== true) return undefined;
  const { scripts, dependencies, devDependencies } = parsed.data;
  const manager = managerOf(files.paths, folder);
  const hasDependencies = Object.keys({ ...dependencies, ...devDependencies }).length > 0;
  const install = hasDependencies ? [manager.install] : [];
  const script = (name: string) =>
    scripts[name] !== undefined && !placeholder.test(scripts[name]) ? `${manager.run} ${name}` : undefined;

  const stages: Record<string, WrittenStage> = {};
  const test = script('test');
  if (test !== undefined) stages['test'] = testStage(scripts['test'] ?? '', test, install);
  const lint = script('lint');
  if (lint !== undefined) stages['lint'] = { kind: 'test', image: 'node:24', commands: [...install, lint] };
  const build = script('build');
  if (build !== undefined) stages['build'] = { kind: 'build', image: 'node:24', commands: [...install, build] };
  if (Object.keys(stages).length === 0) return undefined;
  const found: DetectedStack = {
    explanation: `package.json with ${manager.name}; its scripts ${Object.keys(stages).join(', ')} are run${hasDependencies ? ' after an install' : ''}.`,
    stages,
  };
  return found;
};

/** Node's own test runner can write JUnit beside its output, so failures are found test by test. */
function testStage(script: string, command: string, install: readonly string[]): WrittenStage {
  const base = { kind: 'test', image: 'node:24', commands: [...install, command], env: { CI: 'true' } } as const;
  if (!/^node (.*)--test\b/.test(script)) return base;
  return {
    ...base,
    env: {
      ...base.env,
      NODE_OPTIONS:
        '--test-reporter=spec --test-reporter-destination=stdout --test-reporter=junit --test-reporter-destination=junit.xml',
    },
    reports: { junit: 'junit.xml' },
  };
}

function managerOf(
  paths: readonly string[],
  folder: string,
): { readonly name: string; readonly install: string; readonly run: string } {
  if (paths.includes(`${folder}pnpm-lock.yaml`))
    return { name: 'pnpm', install: 'pnpm install --frozen-lockfile', run: 'pnpm run' };
  if (paths.includes(`${folder}yarn.lock`))
    return { name: 'yarn', install: 'yarn install --immutable || yarn install --frozen-lockfile', run: 'yarn run' };
  const isLocked = paths.includes(`${folder}package-lock.json`) || paths.includes(`${folder}npm-shrinkwrap.json`);
  return { name: 'npm', install: isLocked ? 'npm ci' : 'npm install --no-audit --no-fund', run: 'npm run' };
}
