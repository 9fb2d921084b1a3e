import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Identity } from './access/certificate.ts';
import type { Gatekeeper } from './access/gatekeeper.ts';
import { issuer, type TokenSigner } from './access/tokens.ts';
import type { ApiHandler } from './api/handler.ts';
import { sendError, sendJson } from './api/respond.ts';
import { StatusError } from './api/status-error.ts';
import type { Logger } from './log.ts';

const headerBytes = 64 * 1024;

/** The listener on loopback: TLS, the gatekeeper, then the API. */
export class ClusterServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param port 0 for any free one; a taken one is an error with the code EADDRINUSE */
  static async listen(
    port: number,
    parts: {
      readonly identity: Identity;
      readonly gatekeeper: Gatekeeper;
      readonly signer: TokenSigner;
      readonly api: ApiHandler;
      readonly log: Logger;
    },
  ): Promise<ClusterServer> {
    const { identity, gatekeeper, signer, api, log } = parts;
    const server = createServer({ key: identity.key, cert: identity.certificate, maxHeaderSize: headerBytes });
    // Watches are silent for long; requests are not slow to arrive.
    server.requestTimeout = 60_000;
    server.headersTimeout = 20_000;
    server.keepAliveTimeout = 60_000;
    const url = (): string => `https://127.0.0.1:${portOf(server)}`;
    server.on('request', (request, response) => {
      const serve = async (): Promise<void> => {
        gatekeeper.check(request.headers);
        const target = new URL(request.url ?? '/', url());
        const known = request.method === 'GET' ? identityDocument(target.pathname, signer, url()) : undefined;
        if (known !== undefined) sendJson(response, 200, known);
        else await api.handle(target, request, response);
      };
      serve().catch((error: unknown) => {
        if (!(error instanceof StatusError) && !response.destroyed) {
          log.error({ err: error, method: request.method, path: request.url?.split('?')[0] }, 'A request failed');
        }
        sendError(response, error);
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    gatekeeper.listensOn(portOf(server));
    return new ClusterServer(server);
  }

  get port(): number {
    return portOf(this.#server);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** By which others check tokens of this cluster's service accounts. */
function identityDocument(pathname: string, signer: TokenSigner, url: string): object | undefined {
  if (pathname === '/openid/v1/jwks') return signer.jwks;
  if (pathname !== '/.well-known/openid-configuration') return undefined;
  return {
    issuer,
    jwks_uri: `${url}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
}
