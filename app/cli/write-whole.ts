import { rename, writeFile } from 'node:fs/promises';

/** Readers see the old content or the new one, never a part of it; the file is its user's alone. */
export async function writeWhole(file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
