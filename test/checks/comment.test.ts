import { expect, it } from 'vitest';
import { renderComment } from '../../checks/comment.ts';
import { failed, GivenRun, stage, succeeded } from '../engine/core/given-run.ts';

const host = { commentMaxChars: 65_536, slashCommandsTaken: false, foldedSections: true };

it('shows what failed first, and what may be asked for now', () => {
  const given = new GivenRun(stage('build'), stage('unit', { needs: ['build'] }));
  expect(renderComment(given.current, host)).toContain('`/cancel`');
  given.finish('build', succeeded);
  given.finish(
    'unit',
    failed({
      evidence: {
        excerpt: ['expected 3 to be 2'],
        annotations: [{ path: 'src/sum.ts', line: 3, level: 'failure', title: 'adds', message: 'expected 3 to be 2' }],
      },
    }),
  );
  const body = renderComment(given.current, host);
  expect(body.indexOf('src/sum.ts:3')).toBeGreaterThan(0);
  expect(body.indexOf('src/sum.ts:3')).toBeLessThan(body.indexOf('| stage |'));
  expect(body).toContain('expected 3 to be 2');
  expect(body).toContain('`/retry`');
  expect(body).not.toContain('`/cancel`');
  expect(renderComment(given.current, { ...host, slashCommandsTaken: true })).toContain('`/slipway retry`');
});

it('keeps long reasons out of the table, which a phone has to show, and names each stage that failed', () => {
  const given = new GivenRun(stage('lint'), stage('unit'), stage('ship'));
  const message = 'Not ready within 120 s: 0 of 2 new replicas are ready. Revision 7 serves again';
  given.finish('lint', failed({ cause: { type: 'not-ready', message } }));
  given.finish('unit', failed({ evidence: { excerpt: ['boom'], annotations: [] } }));
  given.finish('ship', succeeded);
  const body = renderComment(given.current, host);
  expect(body).toContain('2 stages failed: lint, unit');
  expect(body).toContain('**unit**');
  expect(body).toContain('Revision 7 serves again');
  const cells = body
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').slice(1, -1));
  expect(cells.map(({ length }) => length)).toEqual([3, 3, 3, 3, 3]);
  expect(Math.max(...cells.flat().map(({ length }) => length))).toBeLessThan(45);
});

it('says who may say what now, and on a host that takes such lines for itself with the prefix', () => {
  const given = new GivenRun(stage('build'));
  given.finish('build', succeeded);
  expect(renderComment(given.current, host)).toMatch(/`\/test` .* _who may write here_/);
  expect(renderComment(given.current, { ...host, slashCommandsTaken: true })).toContain('- `/slipway help`');
});

it('lets no text of the run notify anybody, break out, or pass the host’s limit', () => {
  const hostile =
    '</sub>@everyone <!-- slipway --> <img src=x onerror=alert(1)> ``` ~~~ | [a](javascript:1) #12 \u202e';
  const given = new GivenRun(stage('unit'));
  given.finish('unit', failed({ evidence: { excerpt: Array(30).fill(hostile.repeat(500)), annotations: [] } }));
  const body = renderComment(given.current, { ...host, commentMaxChars: 30_000 });
  expect(body.length).toBeLessThanOrEqual(30_000);
  expect(body).not.toContain('\u202e');
  // All of it stands inside one block of code, whose fence is longer than any in it, and which is closed.
  const fence = /^(`{3,})text$/m.exec(body)?.[1] ?? '';
  expect(fence.length).toBeGreaterThan(3);
  const [before, , after] = body.split(new RegExp(`^${fence}(?:text)?$`, 'm'));
  expect(`${before}${after}`).not.toContain('@everyone');
  expect(`${before}${after}`).not.toContain('<img');
});
