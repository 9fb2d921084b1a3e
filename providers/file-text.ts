import { GitHostError } from './git-host-error.ts';

/**
 * A file's bytes as text.
 * @param path named in the error
 * @throws GitHostError `invalid` past `maxBytes`, and for what is no UTF-8
 */
export function fileText(bytes: ArrayBuffer | Uint8Array<ArrayBuffer>, path: string, maxBytes: number): string {
  if (bytes.byteLength > maxBytes) throw fileTooLarge(path, maxBytes);
  try {
    // A byte order mark is kept: what is read is what stands in the file.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new GitHostError({
      code: 'invalid',
      what: `Reading ${path}`,
      why: 'It is no UTF-8 text',
      fix: 'Store it as UTF-8',
    });
  }
}

/** For a host that tells a file's size before its bytes. */
export function fileTooLarge(path: string, maxBytes: number): GitHostError {
  return new GitHostError({
    code: 'invalid',
    what: `Reading ${path}`,
    why: `It is larger than ${Math.round(maxBytes / 1_024)} kB`,
    fix: 'Make it smaller',
  });
}
