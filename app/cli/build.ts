import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

// The package ships JavaScript: Node refuses TypeScript below node_modules.
const root = join(import.meta.dirname, '..', '..');
rmSync(join(root, 'dist'), { recursive: true, force: true });

const compiler = spawnSync(
  join(root, 'node_modules', '.bin', 'tsc'),
  ['--noEmit', 'false', '--outDir', 'dist', '--rootDir', '.', '--project', 'tsconfig.build.json'],
  { cwd: root, stdio: 'inherit' },
);
if (compiler.status !== 0) process.exit(compiler.status ?? 1);

// Files that the program reads at run time stand beside the code that reads them.
for (const file of globSync(
  ['{app,engine,providers}/**/*.{proto,css,json,js}', 'app/embedded/sample/**/*', 'app/embedded/sample/**/.*'],
  { cwd: root },
)) {
  mkdirSync(dirname(join(root, 'dist', file)), { recursive: true });
  cpSync(join(root, file), join(root, 'dist', file), { recursive: true });
}
cpSync(join(root, 'app.yml'), join(root, 'dist', 'app.yml'));
