import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAttemptHost } from '../../../app/attempt-host.ts';
import { issuer, TokenSigner } from '../../../app/embedded/cluster/access/tokens.ts';
import { openEmbeddedDatabase } from '../../../app/embedded/database/embedded-database.ts';
import { type AgentEndpoint, startAgentEndpoint } from '../../../engine/agent/endpoint.ts';
import { RefusedError, Session } from '../../../engine/agent/session.ts';
import { podName } from '../../../engine/core/pod-name.ts';
import type { RunEvent } from '../../../engine/core/run-events.ts';
import { podIdentity } from '../../../engine/kubernetes/pod-identity.ts';
import { mongoArtifactStore } from '../../../engine/mongo/artifact-store.ts';
import { mongoEventStore } from '../../../engine/mongo/event-store.ts';
import { mongoLogStore } from '../../../engine/mongo/log-store.ts';
import { mongoSnapshotStore } from '../../../engine/mongo/snapshot-store.ts';
import { systemClock } from '../../../engine/ports/clock.ts';
import { RunLoop } from '../../../engine/run-loop.ts';
import { stage, trigger } from '../core/given-run.ts';

const audience = 'slipway';
const keptMs = 3_600_000;
const [mine, theirs] = ['github:1', 'github:2'];
const namespaceOf = (tenant: string) => `slipway-${tenant.replace(':', '-')}`;

/** Two tenants' runs of two stages, each under way, and agents with whatever token a test gives them. */
describe('an agent', () => {
  let folder: string;
  let database: ReturnType<typeof openEmbeddedDatabase>;
  let cluster: TokenSigner;
  let stranger: TokenSigner;
  let loop: RunLoop;
  let endpoint: AgentEndpoint;
  /** Tokens that agents showed, in order. */
  let shown: string[];
  const sessions: Session[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-identity-'));
    database = openEmbeddedDatabase({
      file: join(folder, 'test.db'),
      onFatal: (error) => {
        throw error;
      },
    });
    for (const name of ['cluster', 'stranger']) mkdirSync(join(folder, name));
    cluster = await TokenSigner.open(join(folder, 'cluster'));
    stranger = await TokenSigner.open(join(folder, 'stranger'));
    shown = [];
    loop = new RunLoop({
      events: mongoEventStore<RunEvent>(database, 'run-events'),
      snapshots: mongoSnapshotStore(database),
      clock: systemClock,
      replica: 'one',
      onError: (error) => {
        throw error;
      },
    });
    endpoint = await listen(0);
    for (const tenant of [mine, theirs]) {
      const runId = runOf(tenant);
      await loop.send(runId, {
        type: 'CreateRun',
        runId,
        trigger: { ...trigger, repository: { ...trigger.repository, tenant } },
        plan: {
          source: { type: 'detected', explanation: [] },
          stages: [
            stage('build', { retries: 1, artifactsOut: [{ name: 'app', path: 'out' }] }),
            stage('test', { artifactsOut: [{ name: 'report', path: 'out' }] }),
          ],
        },
        lane: 'main',
        team: 'acme/web',
        replica: 'one',
      });
      for (const name of ['build', 'test'])
        await loop.send(runId, { type: 'ScheduleStage', stage: name, reason: 'there is room' });
    }
  });
  afterEach(async () => {
    for (const session of sessions.splice(0)) session.close();
    await endpoint.stop();
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function listen(port: number): Promise<AgentEndpoint> {
    const identify = podIdentity({ issuer, loadKeys: async () => cluster.jwks });
    return startAgentEndpoint({
      host: createAttemptHost({
        loop,
        source: async () => ({ url: 'https://example.com/x.git', sha: trigger.headSha }),
        namespaceOf,
        disturbanceOf: () => undefined,
      }),
      logs: mongoLogStore(database, systemClock, keptMs),
      artifacts: mongoArtifactStore(database, systemClock, keptMs),
      authenticate: (text) => {
        shown.push(text);
        return identify(text);
      },
      deployedBy: async () => undefined,
      address: { host: '127.0.0.1', port },
      maxArtifactBytes: 2 ** 20,
      onError: (error) => {
        throw error;
      },
    });
  }

  const runOf = (tenant: string) => `r${tenant.split(':')[1]}`;
  const podOf = (tenant: string, name: string, attempt = 1) => ({
    namespace: namespaceOf(tenant),
    pod: podName(runOf(tenant), name, attempt),
  });

  /** As the kubelet asks the cluster for it. */
  function token(
    of: { readonly namespace: string; readonly pod: string },
    facts: {
      readonly signer?: TokenSigner;
      readonly audiences?: readonly string[];
      readonly madeAgoSeconds?: number;
    } = {},
  ): Promise<string> {
    return (facts.signer ?? cluster).sign(
      {
        namespace: of.namespace,
        serviceAccount: { name: 'default', uid: 'a' },
        pod: { name: of.pod, uid: 'p' },
      },
      {
        audiences: facts.audiences ?? [audience],
        expirationSeconds: 600,
        now: new Date(Date.now() - (facts.madeAgoSeconds ?? 0) * 1_000),
      },
    );
  }

  function connect(text: string): Session & { readonly tokenFile: string; readonly stopped: Promise<string> } {
    const tokenFile = join(folder, `token-${sessions.length}`);
    writeFileSync(tokenFile, text);
    const { promise, resolve } = Promise.withResolvers<string>();
    const session = new Session({ endpoint: `127.0.0.1:${endpoint.port}`, tokenFile, onStop: resolve });
    sessions.push(session);
    return Object.assign(session, { tokenFile, stopped: promise });
  }

  const content = async function* () {
    yield Buffer.from('content');
  };
  const statusOf = (tenant: string, name: string) => loop.driven(runOf(tenant))?.stages[name]?.status;

  it('speaks for the attempt that its token names, and for no other stage', async () => {
    const agent = connect(await token(podOf(mine, 'build')));
    expect(await agent.work()).toMatchObject({ runId: runOf(mine), stage: 'build', attempt: 1, tenant: mine });
    expect(await agent.mayStart()).toBe('go');
    expect([statusOf(mine, 'build'), statusOf(mine, 'test'), statusOf(theirs, 'build')]).toEqual([
      'running',
      'scheduled',
      'scheduled',
    ]);
    await expect(agent.putArtifact('report', content())).rejects.toThrow('The stage does not make it');
    expect(await agent.putArtifact('app', content())).toMatchObject({ name: 'app', bytes: 7 });
  });

  it('gets nothing with a token of a pod of the same name in another namespace', async () => {
    const name = podOf(mine, 'build').pod;
    const agent = connect(await token({ namespace: namespaceOf(theirs), pod: name }));
    expect(await agent.work()).toBeUndefined();
    expect(await agent.stopped).toBe('the attempt is not wanted');
    await expect(agent.putArtifact('app', content())).rejects.toThrow('The stage does not make it');
    expect(statusOf(mine, 'build')).toBe('scheduled');
  });

  it('reads no artifact of another tenant, though it knows the digest', async () => {
    const owner = connect(await token(podOf(mine, 'build')));
    await owner.work();
    const { digest } = await owner.putArtifact('app', content());
    const agent = connect(await token(podOf(theirs, 'build')));
    await agent.work();
    const read = async () => {
      for await (const chunk of await agent.getArtifact(digest)) expect(chunk).toBeUndefined();
    };
    await expect(read()).rejects.toThrow('The stage does not take it');
  });

  it('speaks no more for its stage once another attempt does', async () => {
    const first = connect(await token(podOf(mine, 'build')));
    await first.work();
    await loop.send(runOf(mine), {
      type: 'RecordResult',
      stage: 'build',
      attempt: 1,
      result: {
        outcome: 'failed',
        durationMs: 1,
        cause: { type: 'infrastructure', message: 'its node is gone' },
        evidence: { excerpt: [], annotations: [] },
        log: { lines: 0, bytes: 0, sha256: '' },
      },
    });
    expect(await first.stopped).toBe('it has ended');
    await expect
      .poll(() => loop.send(runOf(mine), { type: 'ScheduleStage', stage: 'build', reason: 'there is room' }), {
        timeout: 15_000,
      })
      .toMatchObject({ ok: true });
    const late = connect(await token(podOf(mine, 'build', 1)));
    expect(await late.work()).toBeUndefined();
    expect(await connect(await token(podOf(mine, 'build', 2))).work()).toMatchObject({ attempt: 2 });
    await expect(late.putArtifact('app', content())).rejects.toThrow('The stage does not make it');
    expect(statusOf(mine, 'build')).toBe('scheduled');
  });

  it.each([
    ['for another audience', { audiences: ['https://kubernetes.default.svc'] }],
    ['for the API server', { audiences: [] }],
    ['of another cluster', { signer: 'stranger' }],
  ] as const)('is refused with a token %s', async (_, facts) => {
    const signer = 'signer' in facts ? stranger : cluster;
    const audiences = 'audiences' in facts ? facts.audiences : [audience];
    const agent = connect(await token(podOf(mine, 'build'), { signer, audiences }));
    await expect(agent.work()).rejects.toBeInstanceOf(RefusedError);
    await expect(agent.putArtifact('app', content())).rejects.toThrow('Its token is not valid');
    expect(statusOf(mine, 'build')).toBe('scheduled');
  });

  it('is refused with a token whose claims were changed, or that names no pod', async () => {
    const [head, body, signature] = (await token(podOf(mine, 'test'))).split('.');
    const claims: object = JSON.parse(Buffer.from(body ?? '', 'base64url').toString());
    const { namespace, pod } = podOf(mine, 'build');
    const forged = { ...claims, 'kubernetes.io': { namespace, pod: { name: pod, uid: 'p' } } };
    const changed = Buffer.from(JSON.stringify(forged)).toString('base64url');
    const ofAccount = await cluster.sign(
      { namespace, serviceAccount: { name: 'default', uid: 'a' } },
      { audiences: [audience], expirationSeconds: 600, now: new Date() },
    );
    for (const bad of [`${head}.${changed}.${signature}`, ofAccount, ''])
      await expect(connect(bad).work()).rejects.toBeInstanceOf(RefusedError);
  });

  it('waits with an expired token until its node has renewed it, and goes on', async () => {
    const agent = connect(await token(podOf(mine, 'build'), { madeAgoSeconds: 700 }));
    // More often than a refusal would be borne.
    const early = await Promise.race([
      agent.work().then(() => 'work'),
      new Promise((resolve) => setTimeout(() => resolve('nothing'), 2_500)),
    ]);
    expect(early).toBe('nothing');
    expect(statusOf(mine, 'build')).toBe('scheduled');
    writeFileSync(agent.tokenFile, await token(podOf(mine, 'build')));
    expect(await agent.work()).toMatchObject({ stage: 'build' });
  });

  it('goes on with a renewed token when its connection breaks in the middle of a long stage', async () => {
    const agent = connect(await token(podOf(mine, 'build')));
    await agent.work();
    await agent.mayStart();
    await agent.lines({ firstLine: 0, lines: ['before'] });
    const renewed = await token(podOf(mine, 'build'));
    writeFileSync(agent.tokenFile, renewed);
    await endpoint.stop();
    shown = [];
    endpoint = await listen(endpoint.port);
    // Who drives the run tells at each of its changes who is wanted.
    await loop.send(runOf(mine), { type: 'ChangeLane', lane: 'hotfix', by: trigger.actor, reason: 'hurry' });
    await agent.lines({ firstLine: 1, lines: ['after'] });
    const text = 'before\nafter\n';
    const sha256 = createHash('sha256').update(text).digest('hex');
    const log = { lines: 2, bytes: text.length, sha256 };
    await agent.finish({ outcome: 'succeeded', durationMs: 1, artifacts: [], annotations: [], log });
    expect(loop.driven(runOf(mine))?.stages['build']).toMatchObject({ status: 'succeeded', log });
    expect(new Set(shown)).toEqual(new Set([renewed]));
  });
});
