import { type FileHandle, open } from 'node:fs/promises';

interface Batch {
  readonly firstLine: number;
  readonly lines: readonly string[];
}

/** Where a batch's lines are in the file; without a place they could not be written. */
interface Spooled {
  readonly firstLine: number;
  readonly count: number;
  readonly place?: { readonly offset: number; readonly bytes: number };
}

const lostLine = 'slipway: this line is lost';

/**
 * The log as it was sent, on the agent's own disk, out of the commands' reach: what the controller turns out not to have
 * is sent again from here. A disk that takes no more costs no stage its log while nothing else goes wrong.
 */
export class LogSpool {
  readonly #path: string;
  readonly #batches: Spooled[] = [];
  #file: Promise<FileHandle> | undefined;
  #bytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Below this number all lines are here. */
  get nextLine(): number {
    const last = this.#batches.at(-1);
    return last === undefined ? 0 : last.firstLine + last.count;
  }

  /** Takes the batch that follows the one before. */
  async keep({ firstLine, lines }: Batch): Promise<void> {
    const content = Buffer.from(lines.join('\n'));
    const offset = this.#bytes;
    const place = await this.#write(content, offset);
    this.#batches.push({
      firstLine,
      count: lines.length,
      ...(place ? { place: { offset, bytes: content.length } } : {}),
    });
  }

  /** Everything from a line on, up to what is taken while it is read. */
  async *from(line: number): AsyncGenerator<Batch> {
    for (let index = 0; index < this.#batches.length; index += 1) {
      const batch = this.#batches[index];
      if (batch === undefined || batch.firstLine + batch.count <= line) continue;
      const lines = await this.#read(batch);
      const skip = Math.max(0, line - batch.firstLine);
      yield { firstLine: batch.firstLine + skip, lines: lines.slice(skip) };
    }
  }

  async #write(content: Buffer, offset: number): Promise<boolean> {
    try {
      this.#file ??= open(this.#path, 'w+', 0o600);
      const file = await this.#file;
      await file.write(content, 0, content.length, offset);
      this.#bytes += content.length;
      return true;
    } catch (error) {
      process.stderr.write(
        `slipway agent: keeping the log: ${error instanceof Error ? error.message : String(error)}\n`,
      );
      return false;
    }
  }

  async #read({ count, place }: Spooled): Promise<readonly string[]> {
    // Why it was not made was said when it was written; a batch without a file is lost.
    const file = await this.#file?.catch(() => undefined);
    const lost = Array.from({ length: count }, () => lostLine);
    if (place === undefined || file === undefined) return lost;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(place.bytes), 0, place.bytes, place.offset);
    return bytesRead === place.bytes ? buffer.toString('utf8').split('\n') : lost;
  }
}
