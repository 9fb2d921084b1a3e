import {
  ApiException,
  type KubeConfig,
  Observable,
  type RequestContext,
  type ResponseContext,
} from '@kubernetes/client-node';

/** How long one request may take; watches have their own limit. */
export const requestTimeoutMs = 15_000;

/** Options of a generated API call that end it after a while: the client has no limit of its own. */
export function withTimeout(timeoutMs = requestTimeoutMs): {
  readonly middlewareMergeStrategy: 'append';
  readonly middleware: {
    pre(context: RequestContext): Observable<RequestContext>;
    post(context: ResponseContext): Observable<ResponseContext>;
  }[];
} {
  return {
    middlewareMergeStrategy: 'append',
    middleware: [
      {
        pre(context) {
          context.setSignal(AbortSignal.timeout(timeoutMs));
          return new Observable(Promise.resolve(context));
        },
        post: (context) => new Observable(Promise.resolve(context)),
      },
    ],
  };
}

interface Dispatchers {
  createDispatcher: (
    cluster: { server?: string; proxyUrl?: string } | null,
    options: Record<string, unknown>,
  ) => object;
}

function makesDispatchers(config: object): config is Dispatchers {
  return 'createDispatcher' in config && typeof config.createDispatcher === 'function';
}

/**
 * Lets requests share connections: the client makes a new dispatcher, and so a new TLS connection, for each request
 * that carries a certificate. Seen with @kubernetes/client-node 2.0.1, whose method for it is private.
 */
export function withKeepAlive(config: KubeConfig): KubeConfig {
  const open: object = config;
  if (!makesDispatchers(open)) return config;
  const make = open.createDispatcher.bind(config);
  const made = new Map<string, object>();
  open.createDispatcher = (cluster, options) => {
    const key = JSON.stringify([
      cluster?.server,
      cluster?.proxyUrl,
      ...['ca', 'cert', 'key', 'rejectUnauthorized', 'servername'].map((name) => String(options[name])),
    ]);
    const known = made.get(key) ?? make(cluster, options);
    made.set(key, known);
    return known;
  };
  return config;
}

/** The HTTP status of a failed API call; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

/** How long the API server asks to be left alone after it refused for load; undefined where it does not say. */
export function retryAfterMsOf(error: unknown): number | undefined {
  if (!(error instanceof ApiException)) return undefined;
  const headers: Readonly<Record<string, string>> = error.headers;
  const seconds = Object.entries(headers).find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
  return seconds !== undefined && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1_000 : undefined;
}

/** What the API server said of a failed call. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && 'body' in error && typeof error.body === 'string') {
    const message = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(error.body)?.[1];
    if (message !== undefined) return message.replaceAll('\\"', '"');
  }
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
