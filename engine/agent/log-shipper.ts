import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogSummary } from '../core/run-events.ts';
import { LineSplitter } from './line-splitter.ts';
import type { Mask } from './mask.ts';
import { control } from './stage-script.ts';

const readBytes = 64 * 1_024;
const batchLines = 1_000;
const batchChars = 128 * 1_024;
const pollMs = 100;
const keptLines = 2_000;

/** The commands printed more than an attempt's log may hold. */
export class LogTooLargeError extends Error {
  override readonly name = 'LogTooLargeError';
}

/** Follows the commands' output file and hands on its lines: numbered from 0, masked, in batches, in order. */
export class LogShipper {
  readonly #folder: string;
  readonly #mask: Mask;
  readonly #send: (batch: { readonly firstLine: number; readonly lines: readonly string[] }) => Promise<void>;
  readonly #maxBytes: number;
  readonly #splitter = new LineSplitter();
  readonly #hash = createHash('sha256');
  #recent: string[] = [];
  #lines = 0;
  #bytes = 0;
  #read = 0;

  constructor(options: {
    readonly folder: string;
    readonly mask: Mask;
    readonly maxBytes: number;
    readonly send: (batch: { readonly firstLine: number; readonly lines: readonly string[] }) => Promise<void>;
  }) {
    this.#folder = options.folder;
    this.#mask = options.mask;
    this.#maxBytes = options.maxBytes;
    this.#send = options.send;
  }

  /** The last lines, for the search of evidence. */
  get recent(): readonly string[] {
    return this.#recent;
  }

  /**
   * Ships until the commands have ended.
   * @returns their exit code
   * @throws LogTooLargeError
   */
  async untilExit(): Promise<number> {
    const output = join(this.#folder, control.output);
    let wake = Promise.withResolvers<void>();
    const watcher = watch(this.#folder, () => wake.resolve());
    try {
      for (;;) {
        wake = Promise.withResolvers();
        // First look for the end, then read: what was printed before it is there by then.
        const exitCode = await this.#exitCode();
        const hasMore = await this.#readOn(output);
        if (exitCode !== undefined && !hasMore) {
          await this.#ship(this.#splitter.end());
          return exitCode;
        }
        if (hasMore) continue;
        let timer: NodeJS.Timeout | undefined;
        await Promise.race([
          wake.promise,
          new Promise((resolve) => {
            timer = setTimeout(resolve, pollMs);
          }),
        ]);
        clearTimeout(timer);
      }
    } finally {
      watcher.close();
    }
  }

  /** Ships lines of the agent itself. */
  async say(...lines: readonly string[]): Promise<void> {
    await this.#ship([...lines]);
  }

  summary(): LogSummary {
    return { lines: this.#lines, bytes: this.#bytes, sha256: this.#hash.copy().digest('hex') };
  }

  async #exitCode(): Promise<number | undefined> {
    const path = join(this.#folder, control.exit);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || found.size === 0) return undefined;
    const handle = await open(path);
    try {
      const text = (await handle.readFile()).toString('utf8');
      return text.endsWith('\n') ? Number(text.trim()) : undefined;
    } finally {
      await handle.close();
    }
  }

  /** @returns whether there may be more */
  async #readOn(path: string): Promise<boolean> {
    const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (handle === undefined) return false;
    try {
      return await this.#readFrom(handle);
    } finally {
      await handle.close();
    }
  }

  async #readFrom(handle: FileHandle): Promise<boolean> {
    const buffer = Buffer.alloc(readBytes);
    let lines: string[] = [];
    let chars = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, readBytes, this.#read);
      if (bytesRead === 0) break;
      this.#read += bytesRead;
      if (this.#read > this.#maxBytes)
        throw new LogTooLargeError(`The commands printed more than ${Math.round(this.#maxBytes / 2 ** 20)} MiB`);
      for (const line of this.#splitter.push(buffer.subarray(0, bytesRead))) {
        lines.push(line);
        chars += line.length;
        if (lines.length < batchLines && chars < batchChars) continue;
        await this.#ship(lines);
        lines = [];
        chars = 0;
      }
    }
    await this.#ship(lines);
    return false;
  }

  async #ship(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const masked = lines.map((line) => this.#mask.hide(line));
    for (const line of masked) {
      const bytes = Buffer.from(`${line}\n`);
      this.#hash.update(bytes);
      this.#bytes += bytes.length;
    }
    const firstLine = this.#lines;
    this.#lines += masked.length;
    this.#recent = [...this.#recent, ...masked].slice(-keptLines);
    await this.#send({ firstLine, lines: masked });
  }
}
