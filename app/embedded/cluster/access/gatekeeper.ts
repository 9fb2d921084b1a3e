import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { StatusError } from '../api/status-error.ts';

/**
 * Lets in who holds the kubeconfig's token, and nobody else: the Host header must name this listener (DNS rebinding),
 * and nothing that a browser sends for a page may act here, whatever it knows.
 */
export class Gatekeeper {
  readonly #expected: Buffer;
  #hosts: ReadonlySet<string> = new Set();

  constructor(token: string) {
    this.#expected = digestOf(`Bearer ${token}`);
  }

  listensOn(port: number): void {
    this.#hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`]);
  }

  /** @throws StatusError 401, 403, 421 */
  check(headers: IncomingHttpHeaders): void {
    if (!this.#hosts.has(headers.host ?? '')) {
      throw new StatusError(421, 'MisdirectedRequest', 'this host name is not served here');
    }
    if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined) {
      throw new StatusError(403, 'Forbidden', 'browsers are not served here');
    }
    if (!timingSafeEqual(digestOf(headers.authorization ?? ''), this.#expected)) {
      throw new StatusError(401, 'Unauthorized', 'Unauthorized');
    }
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
