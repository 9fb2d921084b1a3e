import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openEmbeddedDatabase } from '../../../app/embedded/database/embedded-database.ts';
import { type AgentEndpoint, startAgentEndpoint } from '../../../engine/agent/endpoint.ts';
import { stageContainerScript } from '../../../engine/agent/stage-script.ts';
import type { AttemptResult } from '../../../engine/core/run-commands.ts';
import { Sha } from '../../../engine/core/trigger.ts';
import { mongoArtifactStore } from '../../../engine/mongo/artifact-store.ts';
import { mongoLogStore } from '../../../engine/mongo/log-store.ts';
import type { AttemptHost, AttemptWork } from '../../../engine/ports/attempt-host.ts';
import { systemClock } from '../../../engine/ports/clock.ts';
import { EngineError } from '../../../engine/ports/errors.ts';
import type { LogStore } from '../../../engine/ports/log-store.ts';

const keptMs = 3_600_000;
const agentProgram = join(import.meta.dirname, '../../../engine/agent/main.ts');

/** The two containers of a stage's pod as processes of this machine, with a controller that the test plays. */
export class PodHarness {
  readonly folder = mkdtempSync(join(tmpdir(), 'slipway-pod-'));
  readonly workspace = join(this.folder, 'workspace');
  readonly control = join(this.folder, 'control');
  readonly results: AttemptResult[] = [];
  starts = 0;
  #logs: LogStore;
  /**
   * What the controller cannot answer the next time that it is asked: its store is away. `go`: it let the commands start,
   * and dies before it can say so.
   */
  readonly unanswered = new Set<'work' | 'start' | 'go' | 'lines' | 'result'>();
  #starter: string | undefined;
  readonly #database = openEmbeddedDatabase({
    file: join(this.folder, 'test.db'),
    onFatal: (error) => {
      throw error;
    },
  });
  readonly #artifacts = mongoArtifactStore(this.#database, systemClock, keptMs);
  readonly #processes: ChildProcess[] = [];
  readonly #stages: ChildProcess[] = [];
  readonly #stops = new Set<(reason: string) => void>();
  readonly #done = Promise.withResolvers<AttemptResult>();
  #endpoint: AgentEndpoint | undefined;
  #work: AttemptWork | undefined;

  constructor() {
    this.#logs = mongoLogStore(this.#database, systemClock, keptMs);
    for (const folder of [this.workspace, this.control, join(this.folder, 'home')]) mkdirSync(folder);
    writeFileSync(join(this.folder, 'token'), 'pod-token');
  }

  /** A repository with these files, and work on its head. */
  work(files: Readonly<Record<string, string>>, facts: Partial<AttemptWork>): AttemptWork {
    const repository = join(this.folder, 'repository');
    const git = (...words: string[]) =>
      execFileSync('git', ['-C', repository, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...words], {
        encoding: 'utf8',
      });
    mkdirSync(repository);
    git('init', '--quiet');
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(repository, path)), { recursive: true });
      writeFileSync(join(repository, path), content);
    }
    git('add', '--all');
    git('commit', '--quiet', '--allow-empty', '-m', 'x');
    this.#work = {
      tenant: 'tenant',
      runId: 'r1',
      stage: 'test',
      attempt: 1,
      source: { url: `file://${repository}`, sha: Sha(git('rev-parse', 'HEAD').trim()) },
      commands: ['true'],
      env: {},
      secrets: {},
      timeoutMs: 30_000,
      memoryBytes: 2 ** 30,
      artifactsIn: [],
      artifactsOut: [],
      reports: [],
      ...facts,
    };
    return this.#work;
  }

  get artifacts() {
    return this.#artifacts;
  }

  #answerOrFail(what: 'work' | 'start' | 'go' | 'lines' | 'result'): void {
    if (this.unanswered.delete(what))
      throw new EngineError({ code: 'unavailable', what: 'Answering', why: 'no store', fix: 'It is tried again' });
  }

  async listen(port = 0): Promise<number> {
    const host: AttemptHost = {
      workFor: async ({ podName }) => {
        this.#answerOrFail('work');
        return podName === 'pod-1' ? this.#work : undefined;
      },
      start: async (_, asker) => {
        this.#answerOrFail('start');
        if (this.#starter !== undefined) return this.#starter === asker ? 'go' : 'refused';
        this.#starter = asker;
        this.starts += 1;
        this.#answerOrFail('go');
        return 'go';
      },
      finish: async (_, result) => {
        this.#answerOrFail('result');
        this.results.push(result);
        this.#done.resolve(result);
      },
      onStop: (_, stop) => {
        this.#stops.add(stop);
        return { dispose: () => this.#stops.delete(stop) };
      },
    };
    const logs = this.#logs;
    this.#endpoint = await startAgentEndpoint({
      host,
      logs: {
        ...logs,
        append: async (...words) => {
          this.#answerOrFail('lines');
          return logs.append(...words);
        },
      },
      artifacts: this.#artifacts,
      authenticate: async (token) => {
        if (token === 'pod-token') return { namespace: 'tenant', podName: 'pod-1' };
        throw new EngineError({
          code: 'denied',
          what: 'Identifying an agent',
          why: 'The token is wrong',
          fix: 'Use the right one',
        });
      },
      deployedBy: async () => undefined,
      address: { host: '127.0.0.1', port },
      maxArtifactBytes: 2 ** 26,
      onError: (error) => {
        throw error;
      },
    });
    return this.#endpoint.port;
  }

  /** As a killed controller: connections break without a word. */
  async unlisten(): Promise<void> {
    await this.#endpoint?.stop();
    // What it had in memory is gone with it.
    this.#logs = mongoLogStore(this.#database, systemClock, keptMs);
  }

  /** As a store that lost writes which it had acknowledged: those that hold these lines. */
  async loseLines(isLost: (firstLine: number) => boolean): Promise<number> {
    const chunks = this.#database.collection<{ _id: string; firstLine: number }>('log-chunks');
    let lost = 0;
    for (const { _id, firstLine } of await chunks.find({}).toArray())
      if (isLost(firstLine)) lost += (await chunks.deleteOne({ _id })).deletedCount;
    return lost;
  }

  /** Breaks every connection, and answers new ones at once. */
  async reconnect(port: number): Promise<void> {
    await this.unlisten();
    await this.listen(port);
  }

  /** Starts both containers. @param facts more of the agent's environment */
  start(
    port: number,
    facts: Readonly<Record<string, string>> = {},
  ): { readonly agent: ChildProcess; readonly stage: ChildProcess } {
    const env = {
      PATH: process.env['PATH'],
      HOME: join(this.folder, 'home'),
      SLIPWAY_AGENT_ENDPOINT: `127.0.0.1:${port}`,
      SLIPWAY_AGENT_TOKEN_FILE: join(this.folder, 'token'),
      SLIPWAY_WORKSPACE: this.workspace,
      SLIPWAY_CONTROL: this.control,
    };
    const stage = spawn('sh', ['-c', stageContainerScript], {
      env,
      cwd: this.workspace,
      stdio: 'ignore',
      detached: true,
    });
    const agent = spawn(process.execPath, [agentProgram], {
      env: { ...env, ...facts },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#processes.push(agent);
    this.#stages.push(stage);
    return { agent, stage };
  }

  async run(files: Readonly<Record<string, string>>, facts: Partial<AttemptWork>): Promise<AttemptResult> {
    this.work(files, facts);
    this.start(await this.listen());
    return this.done();
  }

  done(): Promise<AttemptResult> {
    return this.#done.promise;
  }

  cancel(reason: string): void {
    for (const stop of this.#stops) stop(reason);
  }

  async log(): Promise<string[]> {
    const lines: string[] = [];
    for await (const batch of this.#logs.read({ runId: 'r1', stage: 'test', attempt: 1 }, 0))
      lines.push(...batch.lines);
    return lines;
  }

  async close(): Promise<void> {
    for (const child of this.#processes) child.kill('SIGKILL');
    for (const stage of this.#stages) endGroup(stage);
    await this.#endpoint?.stop();
    await this.#database.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** As a container ends: with all that its first process left behind. */
function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
