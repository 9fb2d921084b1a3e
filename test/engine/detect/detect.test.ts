import { describe, expect, it } from 'vitest';
import { detectPipeline } from '../../../engine/detect/detect.ts';
import { parsePipeline } from '../../../engine/pipeline-file.ts';

async function detected(files: Readonly<Record<string, string>>) {
  const { pipeline, explanation, yaml } = await detectPipeline({
    paths: Object.keys(files),
    readFile: async (path) => files[path],
  });
  return {
    yaml,
    explanation: explanation.join('\n'),
    commands: Object.fromEntries(pipeline.stages.map(({ name, commands }) => [name, commands.join('; ')])),
  };
}

const scripts = JSON.stringify({
  scripts: { test: 'node --test', lint: 'eslint .' },
  devDependencies: { eslint: '9' },
});

describe('a pipeline made of what is there', () => {
  it.each([
    [
      'npm',
      { 'package.json': scripts, 'package-lock.json': '' },
      { test: 'npm ci; npm run test', lint: 'npm ci; npm run lint' },
    ],
    ['Go', { 'go.mod': 'module x' }, { build: 'go build ./...', test: 'go vet ./...; go test ./...' }],
    ['Maven', { 'pom.xml': '', mvnw: '' }, { test: 'sh mvnw --batch-mode --no-transfer-progress verify' }],
    ['Gradle', { 'build.gradle.kts': '' }, { test: 'gradle --no-daemon build' }],
    ['Dockerfile', { Dockerfile: 'FROM scratch' }, { dockerfile: 'npx --yes dockerfile-utils@0 lint Dockerfile' }],
    ['static site', { 'index.html': '' }, { links: expect.stringContaining('linkinator') }],
  ])('%s', async (_, files, commands) => {
    const found = await detected(files);
    expect(found.commands).toEqual(commands);
    expect(found.explanation).not.toBe('');
  });

  it('runs the tests of Python in an environment of its own', async () => {
    const { commands } = await detected({ 'requirements.txt': 'pytest', 'test_a.py': '' });
    expect(commands['test']).toContain('. .venv/bin/activate; pip install');
    expect(commands['test']).toContain('pytest --junitxml=junit.xml');
  });

  it('takes a Dockerfile or a page beside a stack for a part of it', async () => {
    const { commands } = await detected({ 'go.mod': '', Dockerfile: '', 'index.html': '' });
    expect(Object.keys(commands)).toEqual(['build', 'test']);
  });

  it('looks into the folders of a repository of several projects, and not into what others wrote', async () => {
    const { commands } = await detected({
      'api/go.mod': '',
      'web/package.json': scripts,
      'node_modules/x/package.json': scripts,
    });
    expect(commands).toMatchObject({
      'test api': "cd 'api'; go vet ./...; go test ./...",
      'test web': expect.stringMatching(/^cd 'web'; /),
    });
    expect(Object.keys(commands)).toHaveLength(4);
  });

  it('looks for the reports of a project in a folder where that project writes them', async () => {
    const { yaml } = await detected({ 'web/package.json': scripts });
    expect(yaml).toContain('junit: web/junit.xml');
  });

  it("never makes a shell line of a folder's name", async () => {
    const { commands } = await detected({ "x'; curl evil; '/go.mod": '', 'a\n- b/go.mod': '' });
    expect(commands).toEqual({});
  });

  it('writes a file that says the same', async () => {
    const { yaml, commands } = await detected({ 'go.mod': '', 'api/pom.xml': '' });
    const parsed = parsePipeline(yaml, { path: '.slipway.yaml' });
    if (!('pipeline' in parsed)) throw new Error('the written file has mistakes');
    expect(parsed.pipeline.stages.map(({ name }) => name)).toEqual(Object.keys(commands));
  });

  it('says what it looked for where nothing is found', async () => {
    const { explanation, commands } = await detected({ 'README.md': '' });
    expect(commands).toEqual({});
    expect(explanation).toMatch(/no package\.json with scripts, no pyproject/);
  });
});
