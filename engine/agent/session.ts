import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type ClientDuplexStream, Metadata, status } from '@grpc/grpc-js';
import type { AttemptResult } from '../core/run-commands.ts';
import type { Artifact } from '../core/run-events.ts';
import type { AttemptWork } from '../ports/attempt-host.ts';
import { AgentClient } from './client.ts';
import type { LogSpool } from './log-spool.ts';
import { type AgentMessage, artifactHeader, type ControllerMessage, tokenHeader } from './protocol.ts';

const firstRetryMs = 100;
/** A controller that is started again is back within a second or two: until then agents look often. */
const quickRetryMs = 250;
const quickRetries = 20;
const maxChannelRetryMs = 400;
const maxRetryMs = 5_000;
/** A token can be refused for a moment, while the cluster's keys or the token itself are being replaced. */
const maxDenials = 5;
/** Unacknowledged lines are held in memory: the log is not read on past this many batches. */
const maxOpenBatches = 16;

const drainLookMs = 5;

interface Batch {
  readonly firstLine: number;
  readonly lines: readonly string[];
}

/** The controller refused this pod, for good. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/**
 * The agent's line to the controller. It outlives broken connections and the controller's death: it connects again, says
 * once more what was not acknowledged, and asks once more what was not answered.
 */
export class Session {
  readonly #client: AgentClient;
  readonly #tokenFile: string;
  readonly #onStop: (reason: string) => void;
  readonly #spool: LogSpool | undefined;
  readonly #asker = randomUUID();
  readonly #work = Promise.withResolvers<AttemptWork | undefined>();
  readonly #start = Promise.withResolvers<'go' | 'refused'>();
  readonly #finished = Promise.withResolvers<void>();
  #stream: ClientDuplexStream<AgentMessage, unknown> | undefined;
  #open: Batch[] = [];
  #resending: { readonly fromLine: number } | undefined;
  #wantsStart = false;
  #result: AttemptResult | undefined;
  #room: (() => void) | undefined;
  #retryMs = firstRetryMs;
  #retries = 0;
  #denials = 0;
  #isClosed = false;

  constructor(options: {
    readonly endpoint: string;
    readonly tokenFile: string;
    readonly onStop: (reason: string) => void;
    /** Keeps lines also once they are acknowledged; without it they cannot be sent again. */
    readonly spool?: LogSpool;
  }) {
    this.#client = new AgentClient(options.endpoint, {
      'grpc.enable_retries': 0,
      // The channel has a pace of its own, by default a second and up to two minutes, and refuses attempts in between.
      'grpc.initial_reconnect_backoff_ms': firstRetryMs,
      'grpc.max_reconnect_backoff_ms': maxChannelRetryMs,
    });
    this.#tokenFile = options.tokenFile;
    this.#onStop = options.onStop;
    this.#spool = options.spool;
    // A refusal is for whoever waits at that moment; of the three, nobody waits for all.
    for (const { promise } of [this.#work, this.#start, this.#finished]) promise.catch(() => undefined);
    void this.#connect();
  }

  /** What is to be done; undefined when nothing is. */
  work(): Promise<AttemptWork | undefined> {
    return this.#work.promise;
  }

  /** Asks whether the commands may start. */
  mayStart(): Promise<'go' | 'refused'> {
    this.#wantsStart = true;
    this.#send({ type: 'start', asker: this.#asker });
    return this.#start.promise;
  }

  /** Sends lines; resolves when there is room for more. */
  async lines(batch: Batch): Promise<void> {
    await this.#spool?.keep(batch);
    this.#open.push(batch);
    // What is being sent again goes on until here.
    if (this.#resending === undefined) this.#send({ type: 'lines', ...batch });
    while (this.#open.length >= maxOpenBatches && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#room = resolve;
      });
    }
  }

  /** Sends the result, after all lines; resolves when it is kept. */
  finish(result: AttemptResult): Promise<void> {
    this.#result = result;
    if (this.#resending === undefined) this.#send({ type: 'result', result });
    return this.#finished.promise;
  }

  async putArtifact(name: string, content: AsyncIterable<Uint8Array>): Promise<Artifact> {
    const metadata = await this.#metadata();
    metadata.set(artifactHeader, encodeURIComponent(name));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const call = this.#client.putArtifact(metadata, (error, answer) =>
      error === null ? resolve(answer) : reject(error),
    );
    // A refusal while the content is still being read is told below.
    const isOver = promise.then(
      () => true,
      () => true,
    );
    try {
      for await (const chunk of content) {
        if (call.write(Buffer.from(chunk))) continue;
        const drained = new Promise<false>((resume) => call.once('drain', () => resume(false)));
        if (await Promise.race([drained, isOver])) break;
      }
      call.end();
    } catch (error) {
      call.cancel();
      throw error;
    }
    return artifactOf(await promise);
  }

  async getArtifact(digest: string): Promise<AsyncIterable<Uint8Array>> {
    return this.#client.getArtifact({ digest }, await this.#metadata());
  }

  close(): void {
    this.#isClosed = true;
    this.#room?.();
    this.#stream?.cancel();
    this.#client.close();
  }

  async #metadata(): Promise<Metadata> {
    const metadata = new Metadata();
    // Read anew each time: the kubelet renews it.
    metadata.set(tokenHeader, `Bearer ${(await readFile(this.#tokenFile, 'utf8')).trim()}`);
    return metadata;
  }

  async #connect(): Promise<void> {
    if (this.#isClosed) return;
    try {
      const stream = this.#client.attach(await this.#metadata());
      this.#stream = stream;
      stream.on('data', (message: ControllerMessage) => this.#received(message));
      stream.on('error', (error: Error & { code?: number }) => this.#lost(stream, error));
      stream.on('end', () => this.#lost(stream, undefined));
      this.#send({ type: 'hello' });
      if (this.#wantsStart) this.#send({ type: 'start', asker: this.#asker });
      for (const batch of this.#open) this.#send({ type: 'lines', ...batch });
      if (this.#result !== undefined) this.#send({ type: 'result', result: this.#result });
    } catch {
      // The token is not there yet, or being replaced: the next try reads it anew.
      this.#again();
    }
  }

  #lost(stream: ClientDuplexStream<AgentMessage, unknown>, error: (Error & { code?: number }) | undefined): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#resending = undefined;
    this.#denials = error?.code === status.PERMISSION_DENIED ? this.#denials + 1 : 0;
    if (error !== undefined && this.#denials >= maxDenials) {
      const refused = new RefusedError(error.message);
      this.#work.reject(refused);
      this.#start.reject(refused);
      this.#finished.reject(refused);
      return;
    }
    this.#again();
  }

  #again(): void {
    if (this.#isClosed) return;
    // Not all at the same moment.
    setTimeout(() => void this.#connect(), this.#retryMs * (0.75 + Math.random() / 2));
    this.#retries += 1;
    this.#retryMs = Math.min(this.#retryMs * 2, this.#retries < quickRetries ? quickRetryMs : maxRetryMs);
  }

  #received(message: ControllerMessage): void {
    this.#retryMs = firstRetryMs;
    this.#retries = 0;
    this.#denials = 0;
    switch (message.type) {
      case 'work':
        this.#work.resolve(message.work);
        return;
      case 'go':
        this.#wantsStart = false;
        this.#start.resolve('go');
        return;
      case 'ack':
        this.#open = this.#open.filter(({ firstLine, lines }) => firstLine + lines.length > message.nextLine);
        this.#room?.();
        return;
      case 'resend':
        void this.#resend(message.fromLine);
        return;
      case 'stop':
        this.#work.resolve(undefined);
        this.#start.resolve('refused');
        this.#onStop(message.reason);
        return;
      case 'finished':
        this.#finished.resolve();
        return;
    }
  }

  /** Sends lines again that the controller turns out not to have, then whatever came meanwhile, then the result. */
  async #resend(fromLine: number): Promise<void> {
    const stream = this.#stream;
    const spool = this.#spool;
    // Each batch that was under way is answered so: once is enough.
    if (stream === undefined || spool === undefined || this.#resending?.fromLine === fromLine) return;
    const resending = { fromLine };
    this.#resending = resending;
    for (let next = fromLine; next < spool.nextLine; ) {
      for await (const batch of spool.from(next)) {
        next = batch.firstLine + batch.lines.length;
        stream.write({ type: 'lines', ...batch });
        while (stream.writableNeedDrain && this.#resending === resending)
          await new Promise((resolve) => setTimeout(resolve, drainLookMs));
        // The connection broke, or still more is missing: whoever follows does it all.
        if (this.#resending !== resending) return;
      }
    }
    this.#resending = undefined;
    if (this.#result !== undefined) this.#send({ type: 'result', result: this.#result });
  }

  #send(message: AgentMessage): void {
    this.#stream?.write(message);
  }
}

function artifactOf(answer: unknown): Artifact {
  if (typeof answer !== 'object' || answer === null) throw new TypeError('The controller named no artifact');
  const { name, digest, bytes }: Partial<Record<keyof Artifact, unknown>> = answer;
  if (typeof name !== 'string' || typeof digest !== 'string' || typeof bytes !== 'number')
    throw new TypeError('The controller named no artifact');
  return { name, digest, bytes };
}
