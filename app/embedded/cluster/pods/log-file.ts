import { createReadStream, existsSync } from 'node:fs';
import { open } from 'node:fs/promises';

const newline = 10;
const chunkBytes = 64 * 1024;

/** A line of a container's log: when it was written, and its text, with its newline where the program wrote one. */
export interface LogLine {
  readonly time: string;
  readonly text: Buffer;
}

/** Reads `<time> <stream> <F|P> <text>`. */
function parseLine(line: Buffer): LogLine | undefined {
  const afterTime = line.indexOf(32);
  const afterStream = line.indexOf(32, afterTime + 1);
  const afterMark = line.indexOf(32, afterStream + 1);
  if (afterTime < 0 || afterStream < 0 || afterMark < 0) return undefined;
  const isFull = line[afterStream + 1] === 70;
  const text = line.subarray(afterMark + 1);
  return {
    time: line.toString('latin1', 0, afterTime),
    text: isFull ? Buffer.concat([text, Buffer.from('\n')]) : text,
  };
}

/** The lines of one file from an offset on; a last line without its end is left for later. */
export async function* readLines(file: string, from: number): AsyncGenerator<{ line: LogLine; next: number }> {
  let rest: Buffer = Buffer.alloc(0);
  let at = from;
  for await (const chunk of createReadStream(file, { start: from, highWaterMark: chunkBytes })) {
    let bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline)) {
      at += end + 1;
      const line = parseLine(bytes.subarray(0, end));
      bytes = bytes.subarray(end + 1);
      if (line !== undefined) yield { line, next: at };
    }
    rest = bytes;
  }
}

/** Where the last `count` lines of a file begin. @returns also how many lines there were, at most `count` */
export async function tailOffset(file: string, count: number): Promise<{ offset: number; lines: number }> {
  if (!existsSync(file)) return { offset: 0, lines: 0 };
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    let lines = 0;
    const chunk = Buffer.alloc(chunkBytes);
    for (let end = size; end > 0; ) {
      const start = Math.max(0, end - chunkBytes);
      await handle.read(chunk, 0, end - start, start);
      for (let at = end - start - 1; at >= 0; at -= 1) {
        if (chunk[at] !== newline) continue;
        if (lines === count) return { offset: start + at + 1, lines: count };
        lines += 1;
      }
      end = start;
    }
    return { offset: 0, lines };
  } finally {
    await handle.close();
  }
}
