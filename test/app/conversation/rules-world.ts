import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openConversation } from '../../../app/conversation/conversation.ts';
import type { Pressed } from '../../../app/conversation/press-button.ts';
import { openEmbeddedDatabase } from '../../../app/embedded/database/embedded-database.ts';
import { StartRun } from '../../../app/intake/start-run.ts';
import { Revisions } from '../../../deploy/revisions.ts';
import type { RunEvent } from '../../../engine/core/run-events.ts';
import type {
  CommentEvent,
  LabelEvent,
  PullRequestTrigger,
  PushTrigger,
  ReactionContent,
} from '../../../engine/core/trigger.ts';
import { Sha } from '../../../engine/core/trigger.ts';
import { mongoEventStore } from '../../../engine/mongo/event-store.ts';
import { mongoRunList } from '../../../engine/mongo/run-list.ts';
import { mongoSnapshotStore } from '../../../engine/mongo/snapshot-store.ts';
import { systemClock } from '../../../engine/ports/clock.ts';
import { RunLoop } from '../../../engine/run-loop.ts';
import type { Comment, GitHost, GitHostCapabilities, Permission, PullRequest } from '../../../providers/git-host.ts';
import { GitHostError } from '../../../providers/git-host-error.ts';
import { succeeded } from '../../engine/core/given-run.ts';

export const shas = {
  base: Sha('b'.repeat(40)),
  tip: Sha('c'.repeat(40)),
  head: Sha('a'.repeat(40)),
  next: Sha('d'.repeat(40)),
};
export const dev = { login: 'dev', id: '1' };
export const ann = { login: 'ann', id: '2' };
export const eve = { login: 'eve', id: '9' };

const pipeline = `environments:
  production: { deployers: [ann], approval: { by: [ann], owners: true } }
hotfix: { by: [ann] }
stages:
  package: { commands: [make], artifacts: { out: { app: out } } }
  production:
    needs: [package]
    deploy: { environment: production, artifact: app, command: [node, server.js] }
`;
const digest = `sha256:${'1'.repeat(64)}`;

/** Answers over a host that a test moves at will: what may be done is what the rules say, whatever host it is. */
export async function rulesWorld(capabilities: GitHostCapabilities) {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-rules-'));
  const onFatal = (error: unknown) => {
    throw error;
  };
  const database = openEmbeddedDatabase({ file: join(folder, 'slipway.db'), onFatal });
  const repository = { provider: 'any', tenant: 'any:1', id: '7', owner: 'acme', name: 'web' };
  const permissions = new Map<string, Permission>([
    ['dev', 'admin'],
    ['ann', 'write'],
    ['eve', 'read'],
  ]);
  const state = {
    /** What is written at each commit; others have nothing. */
    files: new Map<string, Readonly<Record<string, string>>>([
      [shas.base, { '.slipway.yaml': pipeline }],
      [shas.tip, { '.slipway.yaml': pipeline }],
      [shas.head, { '.slipway.yaml': pipeline }],
    ]),
    branches: new Map<string, Sha>([
      ['main', shas.head],
      ['topic', shas.head],
    ]),
    pull: {
      number: 5,
      title: 'A change',
      state: 'merged',
      headRef: 'topic',
      headSha: shas.head,
      headRepositoryId: '7',
      isFork: false,
      baseRef: 'main',
      baseSha: shas.base,
      isDraft: false,
      author: 'dev',
      authorId: '1',
      labels: [],
    } as PullRequest,
    comments: new Map<string, Comment>(),
    changedLabels: [] as { readonly add?: readonly string[]; readonly remove?: readonly string[] }[],
    holds: true,
    changed: { paths: ['server.js'], isComplete: true } as { paths: readonly string[]; isComplete: boolean },
    isDown: false,
    reads: [] as string[],
  };
  let lastComment = 100;
  const comment = (author: { readonly login: string; readonly id: string }, body: string) => {
    lastComment += 1;
    const id = String(lastComment);
    state.comments.set(id, { id, author, body, createdAt: new Date(Math.floor(Date.now() / 1_000) * 1_000) });
    return id;
  };
  const me = { login: 'slipway[bot]', id: '99' };
  const up = <T>(value: T): T => {
    if (state.isDown)
      throw new GitHostError({ code: 'unavailable', what: 'Asking the host', why: 'It is down', fix: 'Wait' });
    return value;
  };
  const host: GitHost = {
    capabilities,
    readFile: async (_, sha, path) => {
      state.reads.push(`${path}@${sha}`);
      return up(state.files.get(sha)?.[path]);
    },
    listFiles: async (_, sha) => ({ paths: Object.keys(state.files.get(sha) ?? {}), isComplete: true }),
    changedFiles: async () => up(state.changed),
    defaultBranch: async () => up('main'),
    branchHead: async (_, branch) => up(state.branches.get(branch)),
    branchHeads: async () =>
      up({ heads: [...state.branches].map(([branch, sha]) => ({ branch, sha })), isComplete: true }),
    tagHeads: async () => up({ heads: [], isComplete: true }),
    pullRequest: async () => up(state.pull),
    openPullRequests: async () => [],
    pullRequestFiles: async () => up(state.changed),
    mergedAs: async () => up(5),
    holds: async () => up(state.holds),
    permissionOf: async (_, login) => up(permissions.get(login) ?? 'none'),
    isTeamMember: async () => up(false),
    ownLogin: async () => me.login,
    cloneAccess: async () => ({ url: '' }),
    publishCheck: async () => '1',
    ensureComment: async (_, _number, { marker, body }) => {
      const text = `${marker}\n${body}`;
      const known = [...state.comments.values()].find(
        (each) => each.author.id === me.id && each.body.startsWith(marker),
      );
      if (known === undefined) return comment(me, text);
      state.comments.set(known.id, { ...known, body: text });
      return known.id;
    },
    addComment: async (_, _number, body) => comment(me, body),
    comment: async (_, _number, id) => up(state.comments.get(id)),
    react: async () => up(undefined),
    reactions: async () => [],
    labels: async () => state.pull.labels,
    ensureLabels: async () => [],
    changeLabels: async (_, _number, change) => void state.changedLabels.push(change),
    proposeState: async () => undefined,
    publishDeployment: async () => undefined,
    redeliverMissed: async () => 0,
  };
  const hosts = () => host;
  const loop = new RunLoop({
    events: mongoEventStore<RunEvent>(database, 'run-events'),
    snapshots: mongoSnapshotStore(database),
    clock: systemClock,
    replica: 'one',
    onError: (error) => errors.push(error),
  });
  const runs = await mongoRunList(database);
  const revisions = new Revisions(database, () => 'production');
  await revisions.prepare();
  const errors: unknown[] = [];
  const shared = { loop, runs, hosts, replica: 'one' };
  const conversation = await openConversation({
    ...shared,
    database,
    revisions,
    waitsOf: () => [],
    clock: systemClock,
    onError: (error) => errors.push(error),
  });
  const start = new StartRun({
    ...shared,
    poolsOf: () => [],
    showMistakes: async () => undefined,
    showConsent: (trigger) => conversation.forkAsked(trigger),
    isHotfix: (of, number, headSha) => conversation.hotfixes.isHotfix(of, number, headSha),
    followSchedules: async () => undefined,
  });
  onTestFinished(async () => {
    conversation.stop();
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const facts = { repository, defaultBranch: 'main', actor: dev, title: 'A change', headSha: shas.head };
  const push: PushTrigger = { ...facts, type: 'push', branch: 'main', beforeSha: shas.base };
  const fork: PullRequestTrigger = {
    ...facts,
    type: 'pull_request',
    action: 'opened',
    number: 5,
    actor: eve,
    author: eve,
    headRef: 'topic',
    isFork: true,
    baseRef: 'main',
    baseSha: shas.base,
    isDraft: false,
    labels: [],
  };
  let keys = 0;
  const started = async (trigger: PushTrigger | PullRequestTrigger) => {
    keys += 1;
    return start.start(trigger, `delivery-${keys}`);
  };
  const answer = (event: Partial<CommentEvent> & { readonly commentId: string; readonly body: string }) =>
    conversation.answer({ type: 'comment', repository, number: 5, by: ann, ...event }, 'delivery', start);
  return {
    host,
    state,
    permissions,
    repository,
    loop,
    revisions,
    conversation,
    push,
    fork,
    errors,
    start: started,
    comment,
    answer,
    /** Says it as that person, and waits for the answer. @returns the last entry of the audit */
    async say(by: typeof ann, body: string) {
      await answer({ by, body, commentId: comment(by, body) });
      return (await conversation.audit.find({}, 1))[0];
    },
    react: (by: typeof ann, commentId: string, content: ReactionContent) =>
      conversation.answer(
        { type: 'reaction', change: 'added', repository, number: 5, by, commentId, content },
        'delivery',
        start,
      ),
    label: (by: typeof ann, change: Partial<LabelEvent>) =>
      conversation.answer(
        { type: 'label', repository, number: 5, by, added: [], removed: [], labels: [], ...change },
        'delivery',
        start,
      ),
    press: (pressed: Omit<Pressed, 'type' | 'repository'>) => {
      keys += 1;
      return conversation.answer({ type: 'rerun', repository, ...pressed }, `delivery-${keys}`, start);
    },
    audit: () => conversation.audit.find({}, 100),
    /** A run of main whose deploy waits for consent, with its prompt. */
    async waiting() {
      const begun = await started(push);
      if (begun.outcome !== 'run') throw new Error(`It did not run: ${JSON.stringify(begun)}`);
      const { runId } = begun;
      await loop.send(runId, { type: 'ScheduleStage', stage: 'package', reason: 'test' });
      await loop.send(runId, { type: 'StartStage', stage: 'package', attempt: 1 });
      const artifacts = [{ name: 'app', digest, bytes: 1 }];
      const result = { ...succeeded, artifacts };
      await loop.send(runId, { type: 'RecordResult', stage: 'package', attempt: 1, result });
      const approval = () => loop.driven(runId)?.approvals['production'];
      for (let turn = 0; turn < 200 && approval()?.prompt === undefined; turn += 1)
        await new Promise((resolve) => setTimeout(resolve, 10));
      return { runId, approval, promptId: approval()?.prompt?.commentId ?? '' };
    },
  };
}
