import type { BareRepository } from './bare-repository.ts';
import { type Commit, commitFormat, parseCommit } from './commit.ts';

export interface ChangedFile {
  readonly status: 'added' | 'removed' | 'modified' | 'renamed' | 'copied' | 'changed';
  readonly path: string;
  readonly previousPath?: string;
  readonly blobSha: string;
  readonly additions: number;
  readonly deletions: number;
}

const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Files that differ between two commits; `from` undefined compares with nothing. */
export async function changedFiles(
  repository: BareRepository,
  from: string | undefined,
  to: string,
): Promise<ChangedFile[]> {
  const output = await repository.git([
    'diff',
    '--raw',
    '--numstat',
    '-z',
    '--abbrev=40',
    '-M',
    from ?? emptyTree,
    to,
    '--',
  ]);
  const fields = output.toString().split('\0');
  const files = new Map<string, Omit<ChangedFile, 'additions' | 'deletions'>>();
  const counted: ChangedFile[] = [];
  for (let i = 0; i < fields.length; ) {
    const field = fields[i++] ?? '';
    if (field.startsWith(':')) {
      const [, , , blobSha = '', letter = ''] = field.split(' ');
      const first = fields[i++] ?? '';
      const moved = /^[RC]/.test(letter);
      const path = moved ? (fields[i++] ?? '') : first;
      files.set(path, { status: statusOf(letter), path, blobSha, ...(moved ? { previousPath: first } : {}) });
    } else if (field !== '') {
      const [added = '0', deleted = '0', named = ''] = field.split('\t');
      if (named === '') i++;
      const path = named === '' ? (fields[i++] ?? '') : named;
      const file = files.get(path);
      if (file) counted.push({ ...file, additions: Number(added) || 0, deletions: Number(deleted) || 0 });
    }
  }
  return counted;
}

function statusOf(letter: string): ChangedFile['status'] {
  switch (letter[0]) {
    case 'A':
      return 'added';
    case 'D':
      return 'removed';
    case 'R':
      return 'renamed';
    case 'C':
      return 'copied';
    case 'T':
      return 'changed';
    default:
      return 'modified';
  }
}

/** The unified diff of two commits. @throws GitCommandError past 20 MB */
export async function unifiedDiff(repository: BareRepository, from: string | undefined, to: string): Promise<string> {
  const output = await repository.git(
    ['-c', 'core.quotePath=false', 'diff', '-M', '--no-color', '--no-ext-diff', from ?? emptyTree, to, '--'],
    { maxBytes: 20 * 1024 * 1024 },
  );
  return output.toString();
}

export interface PushedCommit extends Commit {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly modified: readonly string[];
}

/** Commits of a range with the paths each touched, oldest first, at most `limit` (the newest ones). */
export async function commitsWithPaths(
  repository: BareRepository,
  range: readonly string[],
  limit: number,
): Promise<PushedCommit[]> {
  const output = await repository.git([
    'log',
    `--max-count=${limit}`,
    '--name-status',
    '--no-renames',
    '-z',
    `--format=%x1e${commitFormat}`,
    ...range,
    '--',
  ]);
  const records = output.toString().split('\x1e');
  const commits: PushedCommit[] = [];
  for (let i = 1; i + 1 < records.length; i += 2) {
    const names = (records[i + 1] ?? '')
      .split('\0')
      .map((name) => name.replace(/^\n+/, ''))
      .filter(Boolean);
    const paths: Record<'A' | 'D' | 'M', string[]> = { A: [], D: [], M: [] };
    for (let n = 0; n + 1 < names.length; n += 2) {
      const letter = names[n]?.[0];
      paths[letter === 'A' || letter === 'D' ? letter : 'M'].push(names[n + 1] ?? '');
    }
    commits.push({ ...parseCommit(records[i] ?? ''), added: paths.A, removed: paths.D, modified: paths.M });
  }
  return commits.reverse();
}

/** Each file's hunks from a unified diff, keyed by the path after the change. Files over 1 MB of hunks are left out. */
export function patchesByPath(diff: string, files: readonly ChangedFile[]): Map<string, string> {
  const patches = new Map<string, string>();
  const sections = diff.split(/^diff --git /m).slice(1);
  // git prints sections in the order of its raw list, so the n-th section is the n-th file: no need to unquote paths.
  if (sections.length !== files.length) return patches;
  for (const [index, section] of sections.entries()) {
    const file = files[index];
    const start = section.search(/^@@ /m);
    if (file !== undefined && start >= 0 && section.length < 1024 * 1024)
      patches.set(file.path, section.slice(start).replace(/\n$/, ''));
  }
  return patches;
}
