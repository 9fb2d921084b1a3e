import type { Pull } from '../entities.ts';
import type { BareRepository } from '../git/bare-repository.ts';
import { changedFiles } from '../git/changes.ts';

/** What a pull request changes, counted from where its branch left the base. */
export async function readStats(git: BareRepository, baseSha: string, headSha: string): Promise<Pull['stats']> {
  const [from, commits] = await Promise.all([git.mergeBase(baseSha, headSha), git.count(`${baseSha}..${headSha}`)]);
  const files = await changedFiles(git, from, headSha);
  return {
    commits,
    additions: files.reduce((sum, file) => sum + file.additions, 0),
    deletions: files.reduce((sum, file) => sum + file.deletions, 0),
    changedFiles: files.length,
  };
}
