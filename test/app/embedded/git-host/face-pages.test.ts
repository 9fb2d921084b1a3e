import { expect, it } from 'vitest';
import { bitbucketWorld } from '../../../providers/bitbucket/world.ts';
import { gitLabFaceWorld } from '../../../providers/gitlab/face-world.ts';
import { signedIn } from './browser.ts';

const path = '/acme/web/pull/1';
const hostile = '<details><summary>more</summary>\n\n<script>alert(1)</script> **bold**\n\n</details>';
const at = new Date('2026-01-01T00:00:00Z');
const annotation = {
  path: 'a.txt',
  startLine: 1,
  endLine: 1,
  level: 'failure',
  title: 'Wrong',
  message: 'two',
} as const;
const check = {
  name: 'slipway / test',
  externalId: 'run/test',
  state: { status: 'completed', conclusion: 'failure', startedAt: at, completedAt: at },
  title: '1 of 2 tests failed',
  summary: '',
  annotations: [annotation],
} as const;

async function textOf(response: Response): Promise<string> {
  return (await response.text()).replaceAll(/\s+/g, ' ');
}

it('shows a comment as Bitbucket does: tags as they are written, nothing folded, nothing to react with', async () => {
  const { embedded, comment, host, repository, number, headSha } = await bitbucketWorld();
  await comment(hostile);
  await host.ensureComment(repository, number, { marker: '<!-- slipway -->', body: '### All is well' }, undefined);
  await host.publishCheck(repository, headSha, check, undefined);
  const ann = await signedIn(embedded, 'ann');
  const page = await textOf(await ann.get(path));
  expect(page).toContain('&lt;details&gt;&lt;summary&gt;more&lt;/summary&gt;');
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(page).toContain('All is well</h3>');
  expect(page).not.toContain('slipway.invalid');
  for (const absent of ['class="reactions"', 'aria-label="Labels"', 'aria-label="Deployments"'])
    expect(page).not.toContain(absent);
  expect(page).toContain('1 of 2 tests failed');
  expect(await textOf(await ann.get(`${path}/files`))).toContain('slipway / test: Wrong');
});

it('shows merge requests as GitLab does, and takes its lines out of what is written', async () => {
  const { embedded, host, repository, headSha, comment } = await gitLabFaceWorld();
  await comment(hostile);
  await host.publishCheck(repository, headSha, check, undefined);
  const ann = await signedIn(embedded, 'ann');
  const csrf = await ann.csrf(path);
  await ann.post(`${path}/comment`, { csrf, next: 'stay', body: 'Ready now\n/label ~hotfix' });
  const page = await textOf(await ann.get(path));
  expect(page).toContain('Merge requests');
  expect(page).toContain('<span class="faint">!1</span>');
  expect(page).toContain('<details><summary>more</summary>');
  expect(page).not.toContain('<script>alert');
  expect(page).toContain('<p>Ready now</p>');
  expect(page).toContain('hotfix</span');
  expect(page).toContain('1 of 2 tests failed');
});
