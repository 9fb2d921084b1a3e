import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { slipway } from './run-slipway.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-foreign-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function repository(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(folder, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  execFileSync('git', ['init', '--quiet'], { cwd: root });
  return root;
}

function isMissing(program: string): boolean {
  try {
    execFileSync(program, ['version'], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
}

const npm = {
  'package.json': JSON.stringify({ name: 'sum', type: 'module', scripts: { test: 'node --test' } }),
  'sum.js': 'export const sum = (a, b) => a + b;\n',
  'sum.test.js':
    "import { equal } from 'node:assert/strict';\nimport { test } from 'node:test';\nimport { sum } from './sum.js';\n\ntest('sums', () => {\n  equal(sum(1, 2), EXPECTED);\n});\n",
};
const go = {
  'go.mod': 'module example.com/sum\n\ngo 1.20\n',
  'sum.go': 'package sum\n\nfunc Sum(a, b int) int { return a + b }\n',
  'sum_test.go':
    'package sum\n\nimport "testing"\n\nfunc TestSum(t *testing.T) {\n\tif Sum(1, 2) != EXPECTED {\n\t\tt.Errorf("1+2 is %d", Sum(1, 2))\n\t}\n}\n',
};
const python = {
  'requirements.txt': '',
  'sums.py': 'def add(a, b):\n    return a + b\n',
  'test_sums.py':
    'import unittest\nfrom sums import add\n\n\nclass Sums(unittest.TestCase):\n    def test_add(self):\n        self.assertEqual(add(1, 2), EXPECTED)\n',
};

const expecting = (files: Readonly<Record<string, string>>, sum: number) =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [path, text.replace('EXPECTED', String(sum))]));

it.for<[string, Readonly<Record<string, string>>, string, string]>([
  ['npm', npm, 'sum.test.js:6', 'node'],
  ['go', go, 'sum_test.go:7', 'go'],
  ['python', python, 'test_sums.py:7', 'python3'],
])(
  'runs a repository of %s that it did not make, and points at the failing line',
  async ([name, files, place, program], { skip }) => {
    skip(program === 'go' && isMissing(program), `${program} is not on this machine`);
    const good = await slipway(['run'], { cwd: repository(`${name}-good`, expecting(files, 3)) });
    expect(good.out).toContain('SUCCEEDED');
    expect(good.code).toBe(0);
    const bad = await slipway(['run'], { cwd: repository(`${name}-bad`, expecting(files, 4)) });
    expect(bad.out).toContain('FAILED');
    expect(bad.out).toContain(place);
    expect(bad.code).toBe(1);
  },
);

it('runs the whole repository from a folder inside it, and refuses a stage that is none', async () => {
  const root = repository('inside', { ...expecting(npm, 3), 'deep/er/file': '' });
  expect(await slipway(['run'], { cwd: join(root, 'deep', 'er') })).toMatchObject({ code: 0 });
  const unknown = await slipway(['run', 'tset'], { cwd: root });
  expect(unknown).toMatchObject({ code: 1, err: 'slipway: The pipeline has no stage "tset"\n  Its stages: test\n' });
});
