import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A change that the tour pushes: whole files by path. */
export interface SampleChange {
  readonly branch: string;
  readonly title: string;
  readonly message: string;
  readonly files: Readonly<Record<string, string>>;
}

const folder = join(import.meta.dirname, '..', 'sample');

/** The sample web service, file by file. */
export function sampleFiles(): Readonly<Record<string, string>> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

/** Greets louder and forgets a test. */
export const failingTest: SampleChange = {
  branch: 'louder',
  title: 'Greet louder',
  message: 'Greet louder',
  files: {
    'src/greeting.js': `export function greet(name) {
  const clean = name.trim();
  return clean === '' ? 'HELLO!' : \`HELLO, \${clean.toUpperCase()}!\`;
}
`,
  },
};

/** The tests follow what the change wanted. */
export const fix: SampleChange = {
  branch: 'louder',
  title: 'Greet louder',
  message: 'Let the tests expect loud greetings',
  files: {
    'test/greeting.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { greet } from '../src/greeting.js';

test('greets by name, loudly', () => {
  assert.equal(greet('Ada'), 'HELLO, ADA!');
});

test('trims the name', () => {
  assert.equal(greet('  Ada '), 'HELLO, ADA!');
});

test('greets without a name', () => {
  assert.equal(greet('   '), 'HELLO!');
});
`,
  },
};

/** Green tests, and a service that never says that it is ready. */
export const neverReady: SampleChange = {
  branch: 'cache',
  title: 'Warm a cache at start',
  message: 'Warm a cache at start',
  files: {
    'server.js': `import { createServer } from 'node:http';
import { greet } from './src/greeting.js';
import { page } from './src/page.js';

const port = Number(process.env.PORT ?? 8080);
let warm = false;

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/healthz') return response.writeHead(warm ? 200 : 503).end(warm ? 'ok\\n' : 'the cache is cold\\n');
  if (pathname !== '/') return response.writeHead(404).end('not found\\n');
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(page(greet(searchParams.get('name') ?? 'world')));
});

server.listen(port, () => console.log(\`listening on \${port}\`));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
// Nothing ever sets warm to true: tests cannot see that, readiness does.
`,
    '.slipway.yaml': readFileSync(join(folder, '.slipway.yaml'), 'utf8').replace('readyWithin: 20s', 'readyWithin: 5s'),
  },
};

const policy = `
environments:
  production:
    approval: { required: 1 }
`;

/** The service as it was before, with another page, and a policy that asks for consent. */
export const askConsent: SampleChange = {
  branch: 'ask-consent',
  title: 'Start at once, and ask before production',
  message: 'Start without a cache; deploys to production ask',
  files: {
    'server.js': readFileSync(join(folder, 'server.js'), 'utf8'),
    'src/page.js': changedPage('Greetings'),
    '.slipway.yaml': `${readFileSync(join(folder, '.slipway.yaml'), 'utf8').trimEnd()}\n${policy}`,
  },
};

export const theirs: SampleChange = {
  branch: 'typo',
  title: 'Tell who it is for',
  message: 'Tell who it is for',
  files: { 'AUDIENCE.md': 'For whoever greets.\n' },
};

export const urgent: SampleChange = {
  branch: 'urgent',
  title: 'Bring the greeting back',
  message: 'Bring the greeting back',
  files: { 'src/page.js': changedPage('Back again') },
};

/** The page with another title. */
function changedPage(title: string): string {
  return readFileSync(join(folder, 'src', 'page.js'), 'utf8').replace(/<title>[^<]*/, `<title>${title}`);
}
