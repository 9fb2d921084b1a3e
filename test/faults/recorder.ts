import { createServer } from 'node:http';
import { z } from 'zod';
import { type Listening, listening } from './proxies/listening.ts';

const saidSchema = z.object({
  what: z.enum(['begin', 'beat', 'end']),
  run: z.string(),
  stage: z.string(),
  attempt: z.coerce.number(),
});

/** What a stage's commands said of themselves while they ran. */
export type Said = z.infer<typeof saidSchema>;

/** Writes down what the commands of stages say, so that what happened is known without asking Slipway. */
export class Recorder {
  readonly said: Said[] = [];
  readonly #listeners = new Set<(said: Said) => void>();
  #listening: Listening | undefined;

  async start(host: string): Promise<number> {
    const server = createServer((request, response) => {
      const parsed = saidSchema.safeParse(
        Object.fromEntries(new URL(request.url ?? '/', 'http://recorder').searchParams),
      );
      if (parsed.success) {
        this.said.push(parsed.data);
        for (const listener of this.#listeners) listener(parsed.data);
      }
      response.end();
    });
    this.#listening = await listening(server, { host });
    return this.#listening.port;
  }

  /** Resolves at the next word that is so; false when it did not come in time. */
  async next(isSo: (said: Said) => boolean, withinMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const listener = (said: Said) => {
      if (isSo(said)) resolve(true);
    };
    this.#listeners.add(listener);
    const timer = setTimeout(() => resolve(false), withinMs);
    const came = await promise;
    clearTimeout(timer);
    this.#listeners.delete(listener);
    return came;
  }

  async stop(): Promise<void> {
    await this.#listening?.close();
  }
}
