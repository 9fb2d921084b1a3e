import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findEvidence } from '../../../engine/agent/evidence.ts';

describe('what a failed stage shows first', () => {
  let workspace: string;
  beforeEach(() => {
    workspace = mkdtempSync(join(tmpdir(), 'slipway-evidence-'));
  });
  afterEach(() => rmSync(workspace, { recursive: true, force: true }));

  const file = (path: string) => {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), '');
  };
  const failed = (detail: string, more: { file?: string; line?: number } = {}) => ({
    name: 'adds',
    message: 'expected:<3> but was:<-1>',
    detail,
    ...more,
  });

  it('points at the line of a Java test, which its frame names by class alone', () => {
    file('shop/src/main/java/org/acme/Cart.java');
    file('shop/src/test/java/org/acme/CartTest.java');
    const { annotations, excerpt } = findEvidence(
      workspace,
      [
        failed(
          'java.lang.AssertionError: expected:<3> but was:<-1>\n\tat org.junit.Assert.fail(Assert.java:89)\n\tat org.acme.CartTest.adds(CartTest.java:5)\n\tat java.base/java.lang.reflect.Method.invoke(Method.java:580)',
        ),
      ],
      [],
    );
    expect(annotations).toMatchObject([{ path: 'shop/src/test/java/org/acme/CartTest.java', line: 5, title: 'adds' }]);
    expect(excerpt.join('\n')).not.toMatch(/org\.junit|reflect/);
  });

  it('says what Python raised beside the place, and names files as the repository does', () => {
    file('tests/test_calc.py');
    const { annotations, excerpt } = findEvidence(
      workspace,
      [],
      [
        'Traceback (most recent call last):',
        `  File "${workspace}/tests/test_calc.py", line 6, in test_add`,
        '    self.assertEqual(add(1, 2), 3)',
        'AssertionError: -1 != 3',
      ],
    );
    expect(annotations).toMatchObject([{ path: 'tests/test_calc.py', line: 6, title: 'AssertionError: -1 != 3' }]);
    expect(excerpt.join('\n')).not.toContain(workspace);
  });

  it('does not repeat the place before what was said of it', () => {
    file('x_test.go');
    const { annotations } = findEvidence(workspace, [], ['    x_test.go:7: Add(1, 2) = -1, want 3']);
    expect(annotations).toMatchObject([{ path: 'x_test.go', line: 7, title: 'Add(1, 2) = -1, want 3' }]);
  });

  it('leaves out what Node tells of its own error, and the folder the files stood in', () => {
    file('test/a.test.js');
    const { excerpt } = findEvidence(
      workspace,
      [
        failed(
          `    at TestContext.<anonymous> (file://${workspace}/test/a.test.js:5:10)\n  code: 'ERR_ASSERTION',\n  generatedMessage: true,\n  actual: 2`,
        ),
      ],
      [],
    );
    expect(excerpt.join('\n')).toContain('(test/a.test.js:5:10)');
    expect(excerpt.join('\n')).not.toMatch(/generatedMessage|ERR_ASSERTION/);
  });

  it.each(['file:///a%2Fb.js', 'file://elsewhere/a.js', 'file://%', '../../etc/passwd', '/etc/passwd'])(
    'takes a report whose file is %s without a place',
    (named) => {
      expect(findEvidence(workspace, [failed('', { file: named, line: 3 })], []).annotations).toEqual([]);
    },
  );
});
