import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { gitEnvironment } from './run-git.ts';

export type GitService = 'git-upload-pack' | 'git-receive-pack';

/** Of its own: it only passes bytes on, a gigabyte in a few of these. What it starts to pack or unpack has its own. */
const maxCpuSeconds = 20;

/** The one shape of a CGI answer's head that we accept: up to 16 kB, ended by an empty line. */
const maxHeadBytes = 16 * 1024;

/**
 * Passes one request to `git http-backend` and streams its answer. The caller has decided that this person may.
 * @param request.path what follows the repository in the URL: `/info/refs`, `/git-upload-pack` or `/git-receive-pack`
 * @param request.beforeEnd runs when git is done and before the client hears so, so that a finished push is a visible push
 */
export async function serveGit(request: {
  readonly repositoryPath: string;
  readonly path: string;
  readonly query: string;
  readonly user: string;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly beforeEnd: () => Promise<void>;
  readonly timeoutMs: number;
}): Promise<void> {
  const { incoming, outgoing } = request;
  const header = (name: string): string => {
    const value = incoming.headers[name];
    return typeof value === 'string' ? value : '';
  };
  // The program itself, not git that starts it: a kill then meets it. And bounded, for it turns round for ever when the one
  // who sends it a request is gone in the middle.
  const child = spawn('sh', ['-c', `ulimit -t ${maxCpuSeconds}; exec "$(git --exec-path)/git-http-backend"`], {
    env: gitEnvironment({
      GIT_PROJECT_ROOT: request.repositoryPath,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: request.path,
      QUERY_STRING: request.query,
      REQUEST_METHOD: incoming.method ?? 'GET',
      CONTENT_TYPE: header('content-type'),
      REMOTE_USER: request.user,
      REMOTE_ADDR: '127.0.0.1',
      // A chunked body has no length; git then reads to its end.
      ...(header('content-length') === '' ? {} : { CONTENT_LENGTH: header('content-length') }),
      ...(header('content-encoding') === '' ? {} : { HTTP_CONTENT_ENCODING: header('content-encoding') }),
      ...(header('git-protocol') === '' ? {} : { GIT_PROTOCOL: header('git-protocol') }),
    }),
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: request.timeoutMs,
    killSignal: 'SIGKILL',
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  outgoing.once('close', () => child.kill('SIGKILL'));
  // git may answer, and refuse, without reading the body: that it was not all taken is no fault, and the answer tells why.
  const sent = pipeline(incoming, child.stdin).catch(() => undefined);

  let head = Buffer.alloc(0);
  let headIsRead = false;
  for await (const chunk of child.stdout) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    if (headIsRead) {
      await write(outgoing, bytes);
      continue;
    }
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0 && head.length > maxHeadBytes) break;
    if (end < 0) continue;
    writeHead(outgoing, head.subarray(0, end).toString('latin1'));
    headIsRead = true;
    await write(outgoing, head.subarray(end + 4));
  }
  await ended;
  await request.beforeEnd();
  if (!headIsRead) outgoing.writeHead(500, { 'content-type': 'text/plain' });
  outgoing.end(headIsRead ? undefined : 'git gave no answer\n');
  await sent;
}

function writeHead(outgoing: ServerResponse, head: string): void {
  let status = 200;
  const headers: Record<string, string> = {};
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'status') status = Number.parseInt(value, 10);
    else headers[name] = value;
  }
  outgoing.writeHead(status, headers);
}

async function write(outgoing: ServerResponse, bytes: Buffer): Promise<void> {
  if (bytes.length === 0 || outgoing.destroyed || outgoing.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      outgoing.off('drain', done);
      outgoing.off('close', done);
      resolve();
    };
    outgoing.once('drain', done);
    outgoing.once('close', done);
  });
}
