import {
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  type Metadata,
} from '@grpc/grpc-js';
import { type AgentMessage, agentService, maxMessageBytes } from './protocol.ts';

/** The agent's side of the endpoint. What the controller answers is taken as it is: the agent trusts whom it works for. */
export class AgentClient extends Client {
  /** @param endpoint `host:port` @param options beside those that every agent has */
  constructor(endpoint: string, options: ClientOptions = {}) {
    super(endpoint, credentials.createInsecure(), {
      'grpc.max_receive_message_length': maxMessageBytes,
      // A controller that vanished without a word is noticed.
      'grpc.keepalive_time_ms': 20_000,
      'grpc.keepalive_timeout_ms': 10_000,
      ...options,
    });
  }

  attach(metadata: Metadata): ClientDuplexStream<AgentMessage, unknown> {
    const { path, requestSerialize, responseDeserialize } = agentService.attach;
    return this.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  }

  putArtifact(
    metadata: Metadata,
    callback: (error: Error | null, answer: unknown) => void,
  ): ClientWritableStream<Buffer> {
    const { path, requestSerialize, responseDeserialize } = agentService.putArtifact;
    return this.makeClientStreamRequest(path, requestSerialize, responseDeserialize, metadata, callback);
  }

  getArtifact(request: { readonly digest: string }, metadata: Metadata): ClientReadableStream<Buffer> {
    const { path, requestSerialize, responseDeserialize } = agentService.getArtifact;
    return this.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata);
  }
}
