import type { ServerResponse } from 'node:http';
import { StatusError } from './status-error.ts';

/** @param warnings sent as `Warning` headers, which kubectl prints */
export function sendJson(
  response: ServerResponse,
  code: number,
  value: object,
  warnings: readonly string[] = [],
): void {
  const body = JSON.stringify(value);
  if (warnings.length > 0)
    response.setHeader(
      'warning',
      warnings.map((text) => `299 - ${JSON.stringify(text)}`),
    );
  response.writeHead(code, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-cache, private',
  });
  response.end(body);
}

/** Answers with a Status; a fault of our own tells the client nothing of its inside. */
export function sendError(response: ServerResponse, error: unknown): void {
  const status =
    error instanceof StatusError
      ? error
      : new StatusError(500, 'InternalError', 'an error on the server prevented the request from succeeding');
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (status.code === 413) response.setHeader('connection', 'close');
  sendJson(response, status.code, status.toStatus());
}
