import type { ServiceDefinition } from '@grpc/grpc-js';
import type { AttemptResult } from '../core/run-commands.ts';
import type { AttemptWork } from '../ports/attempt-host.ts';

/** What an agent says. Its pod's token, sent when the stream opens, tells for which attempt. */
export type AgentMessage =
  | { readonly type: 'hello' }
  /**
   * Everything is in place: may the commands start? Asked until answered, never again after they did.
   * `asker` is this process's alone: an agent that follows it in the same pod, and knows nothing of an answer, has another.
   */
  | { readonly type: 'start'; readonly asker: string }
  | { readonly type: 'lines'; readonly firstLine: number; readonly lines: readonly string[] }
  | { readonly type: 'result'; readonly result: AttemptResult };

/** What the controller answers. */
export type ControllerMessage =
  | { readonly type: 'work'; readonly work: AttemptWork }
  | { readonly type: 'go' }
  /** All lines below this number are kept. */
  | { readonly type: 'ack'; readonly nextLine: number }
  /** Lines from this one on are not kept, whatever was acknowledged: send them again, and the result after them. */
  | { readonly type: 'resend'; readonly fromLine: number }
  /** The attempt is no longer wanted, or never was: stop the commands and leave. */
  | { readonly type: 'stop'; readonly reason: string }
  /** The result is kept: the agent may leave. */
  | { readonly type: 'finished' };

export const tokenHeader = 'authorization';
export const artifactHeader = 'slipway-artifact';

/** Longest message either side takes: a batch of lines is far below it. */
export const maxMessageBytes = 4 * 2 ** 20;
export const artifactChunkBytes = 256 * 1_024;

/**
 * gRPC with JSON messages: streams, flow control, keepalive and deadlines are gRPC's, and the agent starts faster
 * without a schema compiler. Each side parses what it receives.
 */
export const agentService = {
  attach: {
    path: '/slipway.Agent/Attach',
    requestStream: true,
    responseStream: true,
    requestSerialize: toJson,
    requestDeserialize: fromJson,
    responseSerialize: toJson,
    responseDeserialize: fromJson,
  },
  putArtifact: {
    path: '/slipway.Agent/PutArtifact',
    requestStream: true,
    responseStream: false,
    requestSerialize: (chunk: Buffer) => chunk,
    requestDeserialize: (chunk: Buffer) => chunk,
    responseSerialize: toJson,
    responseDeserialize: fromJson,
  },
  getArtifact: {
    path: '/slipway.Agent/GetArtifact',
    requestStream: false,
    responseStream: true,
    requestSerialize: toJson,
    requestDeserialize: fromJson,
    responseSerialize: (chunk: Buffer) => chunk,
    responseDeserialize: (chunk: Buffer) => chunk,
  },
} satisfies ServiceDefinition;

function toJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function fromJson(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString('utf8'));
}
