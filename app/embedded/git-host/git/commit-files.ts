import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BareRepository } from './bare-repository.ts';
import { zeroHash } from './ref-name.ts';

/** A file of a commit to be made; without content it is not in it. */
export interface FileChange {
  readonly path: string;
  readonly content?: Buffer;
  /** Left out: as it is, or plain where it is new. */
  readonly isExecutable?: boolean;
}

/** @returns the tree that a commit's becomes by these changes, without touching any ref */
export async function changedTree(
  repository: BareRepository,
  sha: string,
  changes: readonly FileChange[],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'git-index-'));
  const env = { GIT_INDEX_FILE: join(folder, 'index') };
  try {
    await repository.git(['read-tree', sha], { env });
    for (const { path, content, isExecutable } of changes) {
      const [known] = await entriesOf(repository, path, env);
      const isRemoved = content === undefined && isExecutable === undefined;
      const blob =
        content === undefined
          ? (known?.blob ?? zeroHash)
          : (await repository.git(['hash-object', '-w', '--stdin'], { input: content })).toString().trim();
      const mode = isExecutable === undefined ? (known?.mode ?? '100644') : isExecutable ? '100755' : '100644';
      // The form that asks for no work tree; mode 0 takes the path out.
      const line = isRemoved ? `0 ${zeroHash}\t${path}` : `${mode} ${blob}\t${path}`;
      await repository.git(['update-index', '-z', '--index-info'], { env, input: `${line}\0` });
    }
    return (await repository.git(['write-tree'], { env })).toString().trim();
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function entriesOf(
  repository: BareRepository,
  path: string,
  env: Readonly<Record<string, string>>,
): Promise<readonly { readonly mode: string; readonly blob: string }[]> {
  const text = (await repository.git(['ls-files', '--stage', '-z', '--', path], { env })).toString();
  return text
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const [mode = '', blob = ''] = line.split(' ');
      return { mode, blob };
    });
}
