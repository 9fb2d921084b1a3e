import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

/** What the files of a folder may import, besides their own folder: STYLE's one-way picture as data. */
const mayImport: Readonly<Record<string, RegExp>> = {
  app: /^(deploy|checks|engine|providers)\//,
  deploy: /^(checks|engine)\/|^providers\/git-host[^/]*\.ts$/,
  checks: /^engine\/|^providers\/git-host[^/]*\.ts$/,
  engine: /^$/,
  providers: /^engine\/core\/trigger\.ts$/,
};

const adapterFolder =
  /^(providers\/(github|gitlab|bitbucket|gitea)|engine\/(mongo|kubernetes)|deploy\/kubernetes|app\/embedded)\//;

function importsOf(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8');
  const specifiers = source.matchAll(
    /^\s*(?:import|export)\b[^'"]*?['"](\.[^'"]+)['"]|import\(\s*['"](\.[^'"]+)['"]/gm,
  );
  return [...specifiers].map((match) => relative(root, join(root, dirname(file), match[1] ?? match[2] ?? '')));
}

const files = globSync('{app,deploy,checks,engine,providers}/**/*.ts', {
  cwd: root,
  exclude: ['app/embedded/sample/**'],
});

it('imports point one way: app, deploy, checks, engine, with providers beside', () => {
  const wrong = files.flatMap((file) => {
    const folder = file.split('/')[0] ?? '';
    return importsOf(file)
      .filter((target) => !target.startsWith(`${folder}/`) && !mayImport[folder]?.test(target))
      .map((target) => `${file} imports ${target}`);
  });
  expect(files.length).toBeGreaterThan(0);
  expect(wrong).toEqual([]);
});

it('the pure core reads no clock, randomness, environment or disk', () => {
  const impure =
    /\b(Date\.now|new Date\(\)|Math\.random|process\.|randomUUID|setTimeout|setInterval)|from 'node:(?!crypto)/;
  const wrong = files
    .filter((file) => file.startsWith('engine/core/'))
    .filter((file) => impure.test(readFileSync(join(root, file), 'utf8')));
  expect(wrong).toEqual([]);
});

/** Build the parts that are outside, and pass them inward. */
const compositionRoots = new Set([
  'app/main.ts',
  'app/cluster-adapters.ts',
  'app/git-hosts.ts',
  'app/open-database.ts',
  'app/replicas/standby.ts',
]);

it('only the composition roots and the embedded parts import adapters', () => {
  const wrong = files.flatMap((file) => {
    const own = adapterFolder.exec(file)?.[0];
    if (compositionRoots.has(file) || own?.startsWith('app/embedded')) return [];
    return importsOf(file)
      .filter((target) => adapterFolder.test(target) && (own === undefined || !target.startsWith(own)))
      .filter((target) => !(file.startsWith('app/cli/') && target.startsWith('app/embedded/')))
      .map((target) => `${file} imports ${target}`);
  });
  expect(wrong).toEqual([]);
});
