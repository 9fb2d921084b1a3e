import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { z } from 'zod';
import type { AttemptResult } from '../core/run-commands.ts';
import type { ArtifactStore } from '../ports/artifact-store.ts';
import type { AttemptHost, AttemptWork, PodIdentity } from '../ports/attempt-host.ts';
import { EngineError } from '../ports/errors.ts';
import type { LogStore } from '../ports/log-store.ts';
import { agentMessageSchema } from './messages.ts';
import {
  agentService,
  artifactChunkBytes,
  artifactHeader,
  type ControllerMessage,
  maxMessageBytes,
  tokenHeader,
} from './protocol.ts';

/** How often a log that is not whole is asked for again before it counts as it is. */
const maxResends = 3;
const artifactNameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);
const artifactRequestSchema = z.object({ digest: z.string().regex(/^sha256:[0-9a-f]{64}$/) });

export interface AgentEndpoint {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Answers agents. An agent speaks for its own pod's attempt alone: which one that is comes from its token, never from
 * what it says.
 * @param parts.authenticate throws EngineError `denied` for a token that is not the cluster's, or too old
 * @param parts.deployedBy the tenant whose environment a namespace is, if a revision there is made of the artifact
 */
export async function startAgentEndpoint(parts: {
  readonly host: AttemptHost;
  readonly logs: LogStore;
  readonly artifacts: ArtifactStore;
  readonly authenticate: (token: string) => Promise<PodIdentity>;
  readonly deployedBy: (namespace: string, digest: string) => Promise<string | undefined>;
  readonly address: { readonly host: string; readonly port: number };
  readonly maxArtifactBytes: number;
  readonly onError: (error: unknown) => void;
}): Promise<AgentEndpoint> {
  const { host, artifacts } = parts;
  const server = new Server({
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.max_concurrent_streams': 10_000,
  });

  async function identify(metadata: Metadata): Promise<PodIdentity> {
    const [value] = metadata.get(tokenHeader);
    const token = typeof value === 'string' && value.startsWith('Bearer ') ? value.slice(7) : '';
    return parts.authenticate(token);
  }

  server.addService(agentService, {
    attach(call: ServerDuplexStream<unknown, ControllerMessage>) {
      converse(call).catch((error: unknown) => refuse(call, error, parts.onError));
    },

    putArtifact(call: ServerReadableStream<Buffer, unknown>, callback: sendUnaryData<unknown>) {
      const store = async () => {
        const work = await host.workFor(await identify(call.metadata));
        const name = artifactNameSchema.parse(decodeURIComponent(String(call.metadata.get(artifactHeader)[0])));
        if (work?.artifactsOut.some((output) => output.name === name) !== true) {
          throw new EngineError({
            code: 'denied',
            what: `Storing artifact ${name}`,
            why: 'The stage does not make it',
            fix: 'Name it under `artifacts: out`',
          });
        }
        const upload = `${work.runId}/${work.stage}/${work.attempt}/${name}`;
        return { name, ...(await artifacts.put(work.tenant, call, { maxBytes: parts.maxArtifactBytes, upload })) };
      };
      store().then(
        (artifact) => callback(null, artifact),
        (error: unknown) => {
          if (!call.cancelled) callback(answerTo(error, parts.onError));
        },
      );
    },

    getArtifact(call: ServerWritableStream<unknown, Buffer>) {
      const load = async () => {
        const pod = await identify(call.metadata);
        const { digest } = artifactRequestSchema.parse(call.request);
        const work = await host.workFor(pod);
        const isInput = work?.artifactsIn.some((input) => input.digest === digest) === true;
        const tenant = isInput ? work.tenant : await parts.deployedBy(pod.namespace, digest);
        if (tenant === undefined) {
          throw new EngineError({
            code: 'denied',
            what: `Reading artifact ${digest}`,
            why: 'The stage does not take it',
            fix: 'Name it under `artifacts: in`',
          });
        }
        for await (const chunk of artifacts.get(tenant, digest)) {
          for (let from = 0; from < chunk.length; from += artifactChunkBytes) {
            if (call.cancelled) return;
            if (!call.write(Buffer.from(chunk.subarray(from, from + artifactChunkBytes)))) await drainedOrGone(call);
          }
        }
        call.end();
      };
      load().catch((error: unknown) => refuse(call, error, parts.onError));
    },
  });

  async function converse(call: ServerDuplexStream<unknown, ControllerMessage>): Promise<void> {
    const pod = await identify(call.metadata);
    let work: AttemptWork | undefined;
    let resends = 0;
    let stopping: { dispose(): void } | undefined;
    const say = (message: ControllerMessage) => call.write(message);
    try {
      // One message after the other: reading waits, and gRPC's flow control makes a fast agent wait too.
      // Left early, it must not be destroyed: the status that ends it would not be sent, and the agent would wait for ever.
      for await (const raw of call.iterator({ destroyOnReturn: false })) {
        const message = agentMessageSchema.parse(raw);
        if (message.type === 'hello') {
          work = await host.workFor(pod);
          if (work === undefined) {
            say({ type: 'stop', reason: 'the attempt is not wanted' });
            break;
          }
          stopping = host.onStop(work, (reason) => say({ type: 'stop', reason }));
          say({ type: 'work', work });
        } else if (work === undefined) {
          throw new EngineError({
            code: 'invalid',
            what: 'Answering an agent',
            why: `It said ${message.type} before hello`,
            fix: 'Run agent and controller of the same version',
          });
        } else if (message.type === 'start') {
          const answer = await host.start(work, message.asker);
          say(answer === 'go' ? { type: 'go' } : { type: 'stop', reason: 'the attempt may not start' });
        } else if (message.type === 'lines') {
          const nextLine = await parts.logs.append(work, message.firstLine, message.lines);
          say(nextLine < message.firstLine ? { type: 'resend', fromLine: nextLine } : { type: 'ack', nextLine });
        } else {
          stopping?.dispose();
          // The log is whole before the result is told: whoever sees the result can read all of it, and the pod, with the
          // only other copy, goes after it. The result's commit is on the disk when it returns, and so is all before it.
          const kept = await parts.logs.complete(work, message.result.log);
          if (!kept.isWhole && kept.resendFrom !== undefined && resends < maxResends) {
            resends += 1;
            say({ type: 'resend', fromLine: kept.resendFrom });
            continue;
          }
          if (!kept.isWhole) await parts.logs.close(work, kept.why);
          await host.finish(work, kept.isWhole ? message.result : withMissing(message.result, kept.why));
          say({ type: 'finished' });
        }
      }
      call.end();
    } finally {
      stopping?.dispose();
    }
  }

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      `${parts.address.host}:${parts.address.port}`,
      ServerCredentials.createInsecure(),
      (error, bound) => (error === null ? resolve(bound) : reject(cannotListen(parts.address, error))),
    );
  });
  return {
    port,
    stop: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.forceShutdown(), 500);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

function withMissing(result: AttemptResult, missing: string): AttemptResult {
  return { ...result, log: { ...result.log, missing } };
}

function cannotListen({ host, port }: { readonly host: string; readonly port: number }, cause: Error): EngineError {
  return new EngineError({
    code: 'conflict',
    what: `Listening for agents on ${host}:${port}`,
    why: cause.message,
    fix: 'Choose another port by SLIPWAY_AGENT_PORT, or stop what listens there',
    cause,
  });
}

function codeOf(error: unknown): status {
  if (error instanceof z.ZodError) return status.INVALID_ARGUMENT;
  if (!(error instanceof EngineError)) return status.INTERNAL;
  const codes: Partial<Record<EngineError['code'], status>> = {
    denied: status.PERMISSION_DENIED,
    'not-found': status.NOT_FOUND,
    'too-large': status.RESOURCE_EXHAUSTED,
    invalid: status.INVALID_ARGUMENT,
    unavailable: status.UNAVAILABLE,
    fenced: status.UNAVAILABLE,
  };
  return codes[error.code] ?? status.INTERNAL;
}

/** A reader that went away drains nothing any more. */
async function drainedOrGone(call: ServerWritableStream<unknown, Buffer>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  call.once('drain', resolve);
  call.once('cancelled', resolve);
  if (!call.cancelled) await promise;
  call.off('drain', resolve);
  call.off('cancelled', resolve);
}

function refuse(
  call: { readonly cancelled: boolean; emit(event: 'error', error: object): boolean },
  error: unknown,
  onError: (error: unknown) => void,
): void {
  // The agent went away, or its connection broke: it comes back by itself, and there is nobody to answer.
  if (!call.cancelled) call.emit('error', answerTo(error, onError));
}

/** Faults of this side are logged here; the agent, which shows what it is told, gets no details of them. */
function answerTo(
  error: unknown,
  onError: (error: unknown) => void,
): { readonly code: status; readonly details: string } {
  const code = codeOf(error);
  if (code === status.INTERNAL) onError(error);
  return { code, details: error instanceof EngineError ? error.message : 'The controller could not answer' };
}
