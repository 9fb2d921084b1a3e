export interface Signature {
  readonly name: string;
  readonly email: string;
  /** ISO 8601 with the author's own offset. */
  readonly date: string;
}

export interface Commit {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
}

/** NUL ends a field and a record separator ends a commit; neither can stand in a commit's own text fields but the message, which comes last. */
export const commitFormat = '%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x00%x1e';

export function parseCommits(text: string): Commit[] {
  return text
    .split('\0\x1e')
    .map((record) => record.replace(/^\n/, ''))
    .filter(Boolean)
    .map(parseCommit);
}

export function parseCommit(record: string): Commit {
  const [sha = '', tree = '', parents = '', an = '', ae = '', ad = '', cn = '', ce = '', cd = '', message = ''] =
    record.split('\0');
  return {
    sha,
    tree,
    parents: parents.split(' ').filter(Boolean),
    author: { name: an, email: ae, date: ad },
    committer: { name: cn, email: ce, date: cd },
    message: message.replace(/\n+$/, ''),
  };
}
