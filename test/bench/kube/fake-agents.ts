import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Session } from '../../../engine/agent/session.ts';
import { agentAudience } from '../../../engine/agent-token.ts';
import { labels } from '../../../engine/kubernetes/names.ts';
import type { ApiClient, Pod } from './api-client.ts';

const tokenAnswer = z.object({ status: z.object({ token: z.string() }) });
const tokenSeconds = 3_600;
const commandsMs = 1_000;
const line = '$ make';

/** When an agent's commands began, or when it reported their end. */
export interface Told {
  readonly runId: string;
  readonly stage: string;
  readonly at: number;
}

/**
 * Plays the agents of pods that no container runs: each has a token that the cluster makes for its pod, a connection of
 * its own, and speaks by the very session of the real agent. Its commands are a second of waiting and print a line.
 */
export class FakeAgents {
  readonly #admin: ApiClient;
  readonly #folder: string;
  readonly #port: number;
  readonly #onBegin: (told: Told) => void;
  readonly #onReport: (told: Told) => void;
  readonly #playing = new Set<string>();
  readonly #sessions = new Set<Session>();
  #connections = 0;
  /** Milliseconds that the cluster took to make each token. */
  readonly tokenMs: number[] = [];

  constructor(parts: {
    readonly admin: ApiClient;
    readonly folder: string;
    readonly port: number;
    readonly onBegin: (told: Told) => void;
    readonly onReport: (told: Told) => void;
  }) {
    this.#admin = parts.admin;
    this.#folder = parts.folder;
    this.#port = parts.port;
    this.#onBegin = parts.onBegin;
    this.#onReport = parts.onReport;
  }

  /** Begins to play a pod's agent, once. */
  play(pod: Pod): void {
    const { uid } = pod.metadata;
    if (this.#playing.has(uid)) return;
    this.#playing.add(uid);
    void this.#live(pod);
  }

  forget(pod: Pod): void {
    this.#playing.delete(pod.metadata.uid);
  }

  /** Ends all agents, whatever they do. */
  stop(): void {
    for (const session of this.#sessions) session.close();
    this.#sessions.clear();
  }

  async #live(pod: Pod): Promise<void> {
    const { name, labels: own } = pod.metadata;
    const tokenFile = join(this.#folder, name);
    const token = await this.#token(pod);
    if (token === undefined) return;
    await writeFile(tokenFile, token);
    let isStopped = false;
    const session = new Session({
      endpoint: `${this.#address()}:${this.#port}`,
      tokenFile,
      onStop: () => {
        isStopped = true;
      },
    });
    this.#sessions.add(session);
    try {
      const work = await session.work();
      if (work === undefined || (await session.mayStart()) !== 'go') return;
      const runId = own[labels.run] ?? '';
      const { stage } = work;
      this.#onBegin({ runId, stage, at: Date.now() });
      const began = performance.now();
      await new Promise((resolve) => setTimeout(resolve, commandsMs));
      if (isStopped) return;
      await session.lines({ firstLine: 0, lines: [line] });
      const sha256 = createHash('sha256').update(`${line}\n`).digest('hex');
      this.#onReport({ runId, stage, at: Date.now() });
      await session.finish({
        outcome: 'succeeded',
        durationMs: Math.round(performance.now() - began),
        artifacts: [],
        annotations: [],
        log: { lines: 1, bytes: line.length + 1, sha256 },
      });
    } finally {
      session.close();
      this.#sessions.delete(session);
      await rm(tokenFile, { force: true });
    }
  }

  /** As the kubelet asks for it. @returns undefined when the pod is gone already */
  async #token({ metadata, spec }: Pod): Promise<string | undefined> {
    const began = performance.now();
    const { status, text } = await this.#admin.ask(
      'POST',
      `/api/v1/namespaces/${metadata.namespace}/serviceaccounts/${spec.serviceAccountName}/token`,
      {
        spec: {
          audiences: [agentAudience],
          expirationSeconds: tokenSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid },
        },
      },
    );
    if (status === 404 || status === 409) return undefined;
    if (status !== 201) throw new Error(`A token for ${metadata.name}: ${status} ${text.slice(0, 300)}`);
    this.tokenMs.push(performance.now() - began);
    return tokenAnswer.parse(JSON.parse(text)).status.token;
  }

  /** Another loopback address each, so that no two agents share a connection: pods do not either. */
  #address(): string {
    this.#connections += 1;
    const count = this.#connections;
    return `127.${1 + ((count >> 16) & 63)}.${(count >> 8) & 255}.${count & 255}`;
  }
}
