import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { jsonIn } from '../../engine/json-in.ts';
import { whyUnanswered } from '../../engine/unanswered.ts';
import { CliError } from './cli-error.ts';
import { readIfThere } from './read-if-there.ts';

/** Where a running Slipway tells how to reach it. Readable by its user alone. */
export const connectionSchema = z.object({ url: z.url(), token: z.string().min(20) });
export type Connection = z.infer<typeof connectionSchema>;

/** `$SLIPWAY_DATA`, else `$XDG_STATE_HOME/slipway`, else `~/.local/state/slipway`. */
export function defaultDataDir(environment: NodeJS.ProcessEnv): string {
  return (
    environment['SLIPWAY_DATA'] ?? join(environment['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'slipway')
  );
}

const answerWithinMs = 30_000;
/** How Slipway says no; a proxy before it says it otherwise. */
const problemSchema = z.object({ error: z.string(), fix: z.string() });

export function connectionFile(dataDir: string): string {
  return join(dataDir, 'connection.json');
}

/** Dates travel as ISO text; their fields are called `at`, `notBefore` or end in `At`. */
function reviveDates(key: string, value: unknown): unknown {
  return typeof value === 'string' && /^(at|notBefore|\w+At)$/.test(key) ? new Date(value) : value;
}

/** Asks the Slipway that runs on this machine (or at SLIPWAY_URL with SLIPWAY_TOKEN). */
export class Client {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @throws CliError when none runs */
  static async open(environment: NodeJS.ProcessEnv, dataDir: string): Promise<Client> {
    const url = environment['SLIPWAY_URL'];
    const token = environment['SLIPWAY_TOKEN'];
    if (url !== undefined && token !== undefined) return new Client(connectionSchema.parse({ url, token }));
    const text = await readIfThere(
      connectionFile(dataDir),
      'Ask as the user who started Slipway, or set SLIPWAY_URL and SLIPWAY_TOKEN',
    );
    if (text === undefined) {
      throw new CliError(
        'No Slipway runs on this machine',
        'Start one with `slipway start`, or set SLIPWAY_URL and SLIPWAY_TOKEN',
      );
    }
    return new Client(connectionSchema.parse(JSON.parse(text)));
  }

  async get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return schema.parse(JSON.parse(await (await this.#request('GET', path)).text(), reviveDates));
  }

  async post<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T> {
    return schema.parse(await (await this.#request('POST', path, body)).json());
  }

  /** JSON values that come line by line, as they are made. */
  async *lines<T>(path: string, body: unknown, schema: z.ZodType<T>): AsyncIterable<T> {
    const response = await this.#request('POST', path, body, 'without end');
    let rest = '';
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = `${rest}${part}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield schema.parse(JSON.parse(line));
    }
    if (rest !== '') throw new CliError('The answer of Slipway broke off', 'See its log, and ask again');
  }

  /** What is told piece by piece, for as long as it takes. */
  async *text(path: string, method: 'GET' | 'POST' = 'GET'): AsyncIterable<string> {
    const { body } = await this.#request(method, path, undefined, 'without end');
    if (body !== null) yield* body.pipeThrough(new TextDecoderStream());
  }

  async #request(method: string, path: string, body?: unknown, lasts?: 'without end'): Promise<Response> {
    const { url, token } = this.#connection;
    const response = await fetch(new URL(`/api${path}`, url), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(lasts === undefined ? { signal: AbortSignal.timeout(answerWithinMs) } : {}),
    }).catch((error: unknown) => {
      throw new CliError(`Slipway does not answer at ${url}: ${whyUnanswered(error)}`, 'Start it with `slipway start`');
    });
    if (response.ok) return response;
    const problem = problemSchema.safeParse(jsonIn(await response.text()));
    throw problem.success
      ? new CliError(problem.data.error, problem.data.fix)
      : new CliError(`Slipway answered ${response.status} to ${method} ${path}`, 'See its log');
  }
}
