import { expect, it } from 'vitest';
import { failureLines, stageLines } from '../../../app/cli/run-view.ts';
import { failed, GivenRun, stage } from '../../engine/core/given-run.ts';

const paint = (_: unknown, text: string) => text;

it('says once what became of a rollout', () => {
  const given = new GivenRun(stage('ship'));
  const message = 'Not ready within 5 s. Revision 2 serves again';
  given.finish(
    'ship',
    failed({
      cause: { type: 'not-ready', message },
      evidence: { excerpt: [], annotations: [] },
      rolledBackTo: { environment: 'production', revision: 2, digest: `sha256:${'a'.repeat(64)}` },
    }),
  );
  expect(stageLines(given.current, given.now(), paint)).toEqual([`  ✗ ship     5 ms  ${message}`]);
  expect(failureLines(given.current, paint)).toEqual([]);
});

it('puts the failing line before the output', () => {
  const given = new GivenRun(stage('unit'));
  const annotation = { path: 'a.js', line: 3, level: 'failure' as const, title: 'adds', message: '2 is not 3' };
  given.finish('unit', failed({ evidence: { excerpt: ['✗ adds', '  2 is not 3'], annotations: [annotation] } }));
  expect(failureLines(given.current, paint).slice(0, 3)).toEqual([
    '  unit: exit code 1',
    '    a.js:3  adds',
    '    │ ✗ adds',
  ]);
});
