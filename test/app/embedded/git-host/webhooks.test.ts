import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { appEvents, appPermissions } from './app-settings.ts';
import {
  appOctokit,
  commitFile,
  git,
  installationOctokit,
  octokitWith,
  type Received,
  startHost,
  startReceiver,
  startWorld,
  statusOf,
  temporaryFolder,
} from './running-host.ts';

const at = { owner: 'acme', repo: 'web' };
const fixtures = join(import.meta.dirname, '../../../../../shared/webhooks/github');
const Fixture = z.object({ body: z.record(z.string(), z.unknown()) });

/** Everything that there is in a payload, by path: `pull_request.head.repo.full_name`. */
function fieldsOf(value: unknown, prefix = ''): string[] {
  if (Array.isArray(value)) return value.length === 0 ? [] : fieldsOf(value[0], `${prefix}[]`);
  if (typeof value !== 'object' || value === null) return [prefix];
  return Object.entries(value).flatMap(([key, inner]) => fieldsOf(inner, prefix === '' ? key : `${prefix}.${key}`));
}

/** What real payloads have beyond ours: texts that depend on the case, or parts no delivery app reads. */
const notOurs = [
  /^pull_request\.(auto_merge|milestone|stack)/,
  /license\b/,
  /^check_run\.pull_requests|^check_suite\.pull_requests/,
  /\.(organization|enterprise|temp_clone_token|security_and_analysis)\b/,
  /^(pusher|commits|head_commit)\b.*\.(username|date)$/,
  /sub_issues_summary|issue_dependencies_summary|issue_field_values|\.(type|pin|minimized|parent_issue_url)$/,
  /\.(permissions|events)\b|^hook\.(events|config)/,
  /allow_|merge_commit_|squash_merge_|use_squash|delete_branch|custom_properties|has_pull_requests|pull_request_creation_policy/,
  /repository\.(stargazers|master_branch|public|role_name)$|repository\.owner\.(name|email)$/,
  /labels\[\]|deployment\b|closed_by|\.email$|merged_by|requested_(reviewers|teams)|assignees?\b/,
  /^changes\b|^requested_action\b|performed_via_github_app|commits\[\]\.(added|removed|modified)/,
  /(added|removed|modified)\[\]$|closed_issues_count|starred_at|topics|author_association/,
];

it.skipIf(!existsSync(fixtures))(
  'payloads have the fields of real ones (skipped without the collected payloads)',
  async () => {
    const world = await startWorld();
    const ann = octokitWith(world.host, world.annToken);
    await commitFile(world.clone, 'a.txt', 'one\n', 'Start');
    await git(world.clone, 'push', '--quiet', 'origin', 'main');
    await git(world.clone, 'switch', '--quiet', '-c', 'topic');
    const head = await commitFile(world.clone, 'a.txt', 'two\n', 'Change');
    await git(world.clone, 'push', '--quiet', 'origin', 'topic');
    await ann.rest.pulls.create({ ...at, title: 'Two', head: 'topic', base: 'main', body: 'b' });
    await ann.rest.issues.createComment({ ...at, issue_number: 1, body: 'Hello' });
    await installationOctokit(world).rest.checks.create({ ...at, name: 'test', head_sha: head, conclusion: 'failure' });
    await commitFile(world.clone, 'a.txt', 'three\n', 'Again');
    await git(world.clone, 'push', '--quiet', 'origin', 'topic');
    await ann.rest.issues.addLabels({ ...at, issue_number: 1, labels: ['x'] });
    await ann.rest.pulls.merge({ ...at, pull_number: 1 });
    await git(world.clone, 'push', '--quiet', 'origin', ':topic');
    await world.host.webhooksSent();

    const pairs: readonly (readonly [string, (each: Received) => boolean])[] = [
      ['push--branch-updated', ({ event, body }) => event === 'push' && body['created'] === false],
      ['push--branch-created', ({ event, body }) => event === 'push' && body['created'] === true],
      ['push--branch-deleted', ({ event, body }) => event === 'push' && body['deleted'] === true],
      ['create--branch', ({ event }) => event === 'create'],
      ['delete--branch', ({ event }) => event === 'delete'],
      ['pull_request--opened', ({ event, action }) => event === 'pull_request' && action === 'opened'],
      ['pull_request--synchronize', ({ action }) => action === 'synchronize'],
      ['pull_request--labeled', ({ event, action }) => event === 'pull_request' && action === 'labeled'],
      ['pull_request--closed-merged', ({ event, action }) => event === 'pull_request' && action === 'closed'],
      ['issue_comment--created-on-pr', ({ event }) => event === 'issue_comment'],
      ['check_run--created', ({ event, action }) => event === 'check_run' && action === 'created'],
      ['check_run--completed', ({ event, action }) => event === 'check_run' && action === 'completed'],
      ['check_suite--requested', ({ event }) => event === 'check_suite'],
      ['installation--created', ({ event }) => event === 'installation'],
    ];
    const missing = pairs.flatMap(([file, match]) => {
      const real = Fixture.parse(JSON.parse(readFileSync(join(fixtures, `${file}.json`), 'utf8'))).body;
      const ours = world.receiver.received.find(match);
      if (ours === undefined) return [`${file}: not sent`];
      const has = new Set(fieldsOf(ours.body).map((field) => field.replace(/\[\]$/, '')));
      const parents = new Set(
        [...has].flatMap((field) => field.split('.').map((_, i, all) => all.slice(0, i + 1).join('.'))),
      );
      return fieldsOf(real)
        .map((field) => field.replace(/\[\]$/, ''))
        .filter((field) => !parents.has(field) && !notOurs.some((pattern) => pattern.test(field)))
        .map((field) => `${file}: ${field}`);
    });
    expect(missing).toEqual([]);
  },
);

it('logs each delivery, tries none again by itself, and redelivers with the same GUID', async () => {
  const world = await startWorld();
  await world.host.webhooksSent();
  world.receiver.answerWith(500);
  await commitFile(world.clone, 'a.txt', 'one\n', 'Start');
  await git(world.clone, 'push', '--quiet', 'origin', 'main');
  await world.host.webhooksSent();
  const app = appOctokit(world);
  const { data: deliveries } = await app.rest.apps.listWebhookDeliveries({ per_page: 100 });
  const push = deliveries.find(({ event }) => event === 'push');
  expect(push).toMatchObject({ status_code: 500, redelivery: false, installation_id: world.installationId });
  expect(world.receiver.received.filter(({ event }) => event === 'push')).toHaveLength(1);

  world.receiver.answerWith(202);
  await app.rest.apps.redeliverWebhookDelivery({ delivery_id: Number(push?.id) });
  await world.host.webhooksSent();
  const [first, second] = world.receiver.received.filter(({ event }) => event === 'push');
  expect(second?.headers['x-github-delivery']).toBe(first?.headers['x-github-delivery']);
  expect(second?.raw).toBe(first?.raw);
  const { data: again } = await app.rest.apps.listWebhookDeliveries({ per_page: 1 });
  expect(again).toMatchObject([{ event: 'push', redelivery: true, status_code: 202, guid: push?.guid }]);
  const { data: detail } = await app.rest.apps.getWebhookDelivery({ delivery_id: Number(push?.id) });
  expect(detail.request.headers).toMatchObject({ 'x-github-event': 'push' });
  expect((await app.rest.apps.getWebhookConfigForApp()).data.url).toBe(world.receiver.url);
  expect(await statusOf(octokitWith(world.host, world.annToken).rest.apps.listWebhookDeliveries())).toBe(401);
});

it('asks the check’s own App to run again, and tells which button was pressed', async () => {
  const world = await startWorld();
  const sha = await commitFile(world.clone, 'a.txt', 'one\n', 'Start');
  await git(world.clone, 'push', '--quiet', 'origin', 'main');
  const { rest } = installationOctokit(world);
  const { data: run } = await rest.checks.create({ ...at, name: 'test', head_sha: sha, conclusion: 'failure' });
  await rest.checks.rerequestRun({ ...at, check_run_id: run.id });
  await rest.checks.rerequestSuite({ ...at, check_suite_id: run.check_suite?.id ?? 0 });
  await world.host.webhooksSent();
  const asked = world.receiver.received.filter(({ action }) => action === 'rerequested').map(({ event }) => event);
  expect(asked).toEqual(['check_run', 'check_suite']);
});

it('after a restart everything is still there, setting up again changes nothing, and what was not sent is sent', async () => {
  const dataDir = await temporaryFolder();
  const receiver = await startReceiver('s3cret');
  const setUp = async (host: Awaited<ReturnType<typeof startHost>>, webhookUrl: string) => {
    host.createUser('ann');
    host.createOrganization('acme', { admins: ['ann'] });
    const facts = { owner: 'acme', webhookSecret: 's3cret', events: [...appEvents], permissions: appPermissions };
    const app = await host.registerApp({ ...facts, webhookUrl });
    const { id, cloneUrl } = await host.createRepository('acme', 'web');
    return { app, id, cloneUrl, installationId: host.installApp(app.slug, 'acme') };
  };
  const first = await startHost({ dataDir });
  // Nobody listens there: the deliveries are lost on the first try, as at GitHub.
  const before = await setUp(first, 'http://127.0.0.1:1/');
  const token = first.createToken('ann');
  const clone = await temporaryFolder();
  await git(clone, 'init', '--quiet', '--initial-branch=main');
  const sha = await commitFile(clone, 'a.txt', 'one\n', 'Start');
  await git(clone, 'push', '--quiet', before.cloneUrl.replace('://', `://ann:${token}@`), 'main');
  await first.webhooksSent();
  await first.stop();
  // A push that git took just before a kill: the refs moved and nothing else did.
  const bare = join(dataDir, 'repositories', `${before.id}.git`);
  await git(bare, 'branch', 'late', sha);

  const second = await startHost({ dataDir, port: Number(new URL(first.url).port) });
  expect(await setUp(second, receiver.url)).toEqual(before);
  expect((await octokitWith(second, token).rest.repos.getBranch({ ...at, branch: 'main' })).data.commit.sha).toBe(sha);
  const app = appOctokit({ app: before.app, host: second });
  const { data: deliveries } = await app.rest.apps.listWebhookDeliveries({ per_page: 100 });
  expect(deliveries.filter(({ event }) => event === 'push').map(({ status_code }) => status_code)).toEqual([0, 0]);
});
