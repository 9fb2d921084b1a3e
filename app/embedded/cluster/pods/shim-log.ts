import { closeSync, openSync, renameSync, writeSync } from 'node:fs';
import { systemErrorCode } from '../../../../engine/system-error.ts';

const newline = 10;
/** Longer lines are split with the mark P, as container runtimes do. */
const lineBytes = 16 * 1024;
const fileBytes = 16 * 1024 * 1024;
/** As much of a log as Kubernetes takes for a termination message. */
const tailBytes = 2_048;

/**
 * A container's output on disk as container runtimes write it: `<time> stdout F <line>`. At most two files of 16 MiB;
 * the older one is `<file>.1`.
 */
export class ContainerLog {
  readonly #file: string;
  readonly #rests = new Map<string, Buffer>();
  #descriptor: number;
  #size = 0;
  #tail = Buffer.alloc(0);

  constructor(file: string) {
    this.#file = file;
    this.#descriptor = openSync(file, 'a', 0o600);
  }

  /** The last of what was written, of both streams. */
  get tail(): string {
    return this.#tail.toString('utf8');
  }

  write(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-tailBytes)]).subarray(-tailBytes);
    const rest = this.#rests.get(stream);
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    const full = Buffer.from(`${now()} ${stream} F `);
    const partial = Buffer.from(`${now()} ${stream} P `);
    const end = Buffer.from('\n');
    const parts: Buffer[] = [];
    let from = 0;
    for (;;) {
      const at = bytes.indexOf(newline, from);
      const until = at < 0 ? bytes.length : at;
      while (until - from > lineBytes) {
        parts.push(partial, bytes.subarray(from, from + lineBytes), end);
        from += lineBytes;
      }
      if (at < 0) break;
      parts.push(full, bytes.subarray(from, at), end);
      from = at + 1;
    }
    this.#rests.set(stream, Buffer.from(bytes.subarray(from)));
    this.#append(parts);
  }

  close(): void {
    for (const [stream, rest] of this.#rests) {
      if (rest.length > 0) this.#append([Buffer.from(`${now()} ${stream} P `), rest, Buffer.from('\n')]);
    }
    closeSync(this.#descriptor);
  }

  #append(parts: readonly Buffer[]): void {
    if (parts.length === 0) return;
    const bytes = Buffer.concat(parts);
    try {
      this.#write(bytes);
    } catch (error) {
      // A full disk loses lines and nothing else: the containers go on.
      if (!isFullDisk(error)) throw error;
    }
  }

  #write(bytes: Buffer): void {
    if (this.#size > 0 && this.#size + bytes.length > fileBytes) {
      closeSync(this.#descriptor);
      renameSync(this.#file, `${this.#file}.1`);
      this.#descriptor = openSync(this.#file, 'a', 0o600);
      this.#size = 0;
    }
    for (let written = 0; written < bytes.length; ) written += writeSync(this.#descriptor, bytes, written);
    this.#size += bytes.length;
  }
}

/** Nothing more can be written here until somebody makes room. */
export function isFullDisk(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

function now(): string {
  return `${new Date().toISOString().slice(0, -1)}000000Z`;
}
