import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { type FileHandle, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogSummary } from '../core/run-events.ts';
import { ifThere } from '../system-error.ts';
import { LineSplitter } from './line-splitter.ts';
import type { Mask } from './mask.ts';
import { openInside } from './open-inside.ts';
import { control, outOfMemoryWord } from './stage-script.ts';

const readBytes = 64 * 1_024;
const batchLines = 1_000;
const batchChars = 128 * 1_024;
const pollMs = 100;
/** Output is read at most this often while the commands run, so that a chatty one makes no batch of each line. */
const restMs = 50;
/** Looks without a beat, output or exit code after which nobody runs the commands any more. */
const silentLooks = 600;
const keptLines = 2_000;
const keptLineChars = 2_000;
/** `exit` holds a number of at most three digits, or a word. */
const maxExitBytes = 64;
const exitLine = new RegExp(`^(\\d{1,3})( ${outOfMemoryWord})?\\n`);

/** How the commands ended. */
export interface CommandsEnd {
  readonly exitCode: number;
  readonly isOutOfMemory: boolean;
}

/** The commands printed more than an attempt's log may hold. */
export class LogTooLargeError extends Error {
  override readonly name = 'LogTooLargeError';
}

/** The stage's container ended, or was killed, and left no exit code. */
export class StageGoneError extends Error {
  override readonly name = 'StageGoneError';
}

/** Follows the commands' output file and hands on its lines: numbered from 0, masked, in batches, in order. */
export class LogShipper {
  readonly #folder: string;
  readonly #mask: Mask;
  readonly #send: (batch: { readonly firstLine: number; readonly lines: readonly string[] }) => Promise<void>;
  readonly #maxBytes: number;
  readonly #splitter: LineSplitter;
  readonly #silentLooks: number;
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
    readonly silentLooks?: number;
  }) {
    this.#splitter = new LineSplitter(options.mask);
    this.#silentLooks = options.silentLooks ?? silentLooks;
    this.#folder = options.folder;
    this.#mask = options.mask;
    this.#maxBytes = options.maxBytes;
    this.#send = options.send;
  }

  /** The last lines, for the search of evidence. */
  get recent(): readonly string[] {
    return this.#recent.slice(-keptLines);
  }

  /**
   * Ships until the commands have ended.
   * @returns their exit code, and whether the kernel killed some of them for want of memory
   * @throws LogTooLargeError, StageGoneError, OutsideError
   */
  async untilExit(): Promise<CommandsEnd> {
    let wake = Promise.withResolvers<void>();
    let end = Promise.withResolvers<void>();
    const watcher = watch(this.#folder, (_, name) => {
      wake.resolve();
      if (name === null || name === control.exit) end.resolve();
    });
    let silent = 0;
    let lastSign = '';
    let lastRead = 0;
    try {
      for (;;) {
        wake = Promise.withResolvers();
        end = Promise.withResolvers();
        // First look for the end, then read: what was printed before it is there by then.
        const ended = await this.#end();
        const restLeftMs = lastRead + restMs - performance.now();
        if (ended === undefined && restLeftMs > 0) {
          await orAfter(end.promise, restLeftMs);
          continue;
        }
        await this.#readOn();
        lastRead = performance.now();
        if (ended !== undefined) {
          await this.#ship(this.#splitter.end());
          return ended;
        }
        // Looks are counted rather than time: a machine that slept has looked no more often for it.
        const sign = await this.#signOfLife();
        silent = sign === lastSign ? silent + 1 : 0;
        lastSign = sign;
        if (silent > this.#silentLooks)
          throw new StageGoneError("The stage's container ended and left no exit code: it was killed from outside");
        await orAfter(wake.promise, pollMs);
      }
    } finally {
      watcher.close();
    }
  }

  /** Ships lines of the agent itself. */
  async say(...lines: readonly string[]): Promise<void> {
    await this.#ship(lines.flatMap((line) => line.split('\n')));
  }

  summary(): LogSummary {
    return { lines: this.#lines, bytes: this.#bytes, sha256: this.#hash.copy().digest('hex') };
  }

  async #signOfLife(): Promise<string> {
    const beat = await ifThere(stat(join(this.#folder, control.beat)));
    return `${beat?.mtimeMs}/${this.#read}`;
  }

  async #end(): Promise<CommandsEnd | undefined> {
    const handle = await this.#open(control.exit);
    if (handle === undefined) return undefined;
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxExitBytes), 0, maxExitBytes, 0);
      const [, code, word] = exitLine.exec(buffer.toString('latin1', 0, bytesRead)) ?? [];
      return code === undefined ? undefined : { exitCode: Number(code), isOutOfMemory: word !== undefined };
    } finally {
      await handle.close();
    }
  }

  async #readOn(): Promise<void> {
    const handle = await this.#open(control.output);
    if (handle === undefined) return;
    try {
      await this.#readFrom(handle);
    } finally {
      await handle.close();
    }
  }

  #open(name: string): Promise<FileHandle | undefined> {
    return ifThere(openInside(this.#folder, join(this.#folder, name)));
  }

  async #readFrom(handle: FileHandle): Promise<void> {
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
    this.#recent.push(...masked.map((line) => line.slice(0, keptLineChars)));
    if (this.#recent.length > 2 * keptLines) this.#recent = this.#recent.slice(-keptLines);
    await this.#send({ firstLine, lines: masked });
  }
}

async function orAfter(sooner: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    sooner,
    new Promise((resolve) => {
      timer = setTimeout(resolve, ms);
    }),
  ]);
  clearTimeout(timer);
}
