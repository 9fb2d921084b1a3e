import { expect, it } from 'vitest';
import {
  appOctokit,
  commitFile,
  git,
  installationOctokit,
  octokitWith,
  startWorld,
  temporaryFolder,
} from './running-host.ts';

it('a real git push arrives, is announced by a signed webhook and can be cloned again', async () => {
  const world = await startWorld();
  const sha = await commitFile(world.clone, 'README.md', '# Web\n', 'Start');
  await git(world.clone, 'push', '--quiet', 'origin', 'main');
  await world.host.webhooksSent();

  const push = world.receiver.received.find(({ event }) => event === 'push');
  expect(world.receiver.received.map(({ event, action }) => [event, action].filter(Boolean).join('.'))).toEqual([
    'ping',
    'installation.created',
    'create',
    'push',
    'check_suite.requested',
  ]);
  expect(push?.isSigned).toBe(true);
  expect(push?.headers).toMatchObject({
    'x-github-hook-installation-target-type': 'integration',
    'x-github-hook-installation-target-id': String(world.app.appId),
    'content-type': 'application/json',
  });
  expect(push?.headers['user-agent']).toMatch(/^GitHub-Hookshot\//);
  expect(push?.body).toMatchObject({
    ref: 'refs/heads/main',
    before: '0'.repeat(40),
    after: sha,
    created: true,
    forced: false,
    installation: { id: world.installationId },
    head_commit: { id: sha, message: 'Start', added: ['README.md'] },
    sender: { login: 'ann' },
  });

  const again = await temporaryFolder();
  await git(again, 'clone', '--quiet', world.repository.cloneUrl.replace('://', `://bob:${world.bobToken}@`), 'copy');
  expect(await git(`${again}/copy`, 'rev-parse', 'HEAD')).toBe(sha);
});

it('an App signs in by its key, takes a token and reports a check on a pull request', async () => {
  const world = await startWorld();
  await commitFile(world.clone, 'a.txt', 'one\n', 'Start');
  await git(world.clone, 'push', '--quiet', 'origin', 'main');
  await git(world.clone, 'switch', '--quiet', '-c', 'feature/x');
  const head = await commitFile(world.clone, 'a.txt', 'two\n', 'Change');
  await git(world.clone, 'push', '--quiet', 'origin', 'feature/x');

  const ann = octokitWith(world.host, world.annToken);
  const at = { owner: 'acme', repo: 'web' };
  const { data: pull } = await ann.rest.pulls.create({ ...at, title: 'Two', head: 'feature/x', base: 'main' });
  expect(pull).toMatchObject({ number: 1, head: { sha: head }, changed_files: 1, additions: 1, deletions: 1 });

  const slipway = installationOctokit(world);
  const { data: check } = await slipway.rest.checks.create({
    ...at,
    name: 'slipway / test',
    head_sha: head,
    external_id: 'run-1/test',
    status: 'in_progress',
  });
  await slipway.rest.checks.update({
    ...at,
    check_run_id: check.id,
    conclusion: 'failure',
    output: {
      title: '1 test failed',
      summary: 'It broke',
      annotations: [{ path: 'a.txt', start_line: 1, end_line: 1, annotation_level: 'failure', message: 'wrong' }],
    },
  });
  const { data: listed } = await slipway.rest.checks.listForRef({ ...at, ref: 'feature/x' });
  expect(listed.check_runs.map(({ name, conclusion }) => [name, conclusion])).toEqual([['slipway / test', 'failure']]);
  const { data: annotations } = await slipway.rest.checks.listAnnotations({ ...at, check_run_id: check.id });
  expect(annotations).toMatchObject([{ path: 'a.txt', start_line: 1, message: 'wrong' }]);

  const { data: comment } = await slipway.rest.issues.createComment({ ...at, issue_number: 1, body: 'Hello' });
  expect(comment.user?.login).toBe('slipway[bot]');
  const { data: app } = await appOctokit(world).rest.apps.getAuthenticated();
  expect(app?.slug).toBe('slipway');

  const { data: merged } = await ann.rest.pulls.merge({ ...at, pull_number: 1, sha: head });
  expect(merged.merged).toBe(true);
  await world.host.webhooksSent();
  const closed = world.receiver.received.find(({ event, action }) => event === 'pull_request' && action === 'closed');
  expect(closed?.body).toMatchObject({ pull_request: { merged: true, merge_commit_sha: merged.sha } });
  expect(world.receiver.received.filter(({ event }) => event === 'push').at(-1)?.body).toMatchObject({
    ref: 'refs/heads/main',
    after: merged.sha,
  });
  expect(world.receiver.received.every(({ isSigned }) => isSigned)).toBe(true);
});
