import type { BareRepository } from './bare-repository.ts';
import { runGit } from './run-git.ts';

export type MergedTree = { readonly type: 'clean'; readonly tree: string } | { readonly type: 'conflict' };

/**
 * The tree that merging `head` into `base` gives, without touching any ref. Where one contains the other it is known
 * outright; a true merge asks git 2.38 or newer, and an older git is answered as a conflict.
 */
export async function mergeTrees(repository: BareRepository, base: string, head: string): Promise<MergedTree> {
  if (await repository.isAncestor(base, head)) return { type: 'clean', tree: await treeOf(repository, head) };
  if (await repository.isAncestor(head, base)) return { type: 'clean', tree: await treeOf(repository, base) };
  const { stdout, exitCode } = await runGit(['merge-tree', '--write-tree', '--no-messages', base, head], {
    repositoryPath: repository.path,
    answers: [1, 128, 129],
  });
  const tree = stdout.toString().split('\n')[0] ?? '';
  return exitCode === 0 ? { type: 'clean', tree } : { type: 'conflict' };
}

async function treeOf(repository: BareRepository, sha: string): Promise<string> {
  return (await repository.git(['rev-parse', '--verify', `${sha}^{tree}`])).toString().trim();
}
