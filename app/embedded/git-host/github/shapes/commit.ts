import type { components as Rest } from '@octokit/openapi-types';
import { accountByEmail } from '../../domain/push-events.ts';
import type { Repository } from '../../entities.ts';
import type { ChangedFile } from '../../git/changes.ts';
import type { Commit, Signature } from '../../git/commit.ts';
import { apiUrl, fullNameOf, type Host } from '../../host.ts';
import { nodeId, simpleUser } from './account.ts';

export function commitShape(host: Host, repository: Repository, commit: Commit) {
  const fullName = fullNameOf(host, repository);
  const api = apiUrl(host, `/repos/${fullName}`);
  return {
    sha: commit.sha,
    node_id: nodeId('C', repository.id),
    commit: {
      author: { ...commit.author },
      committer: { ...commit.committer },
      message: commit.message,
      tree: { sha: commit.tree, url: `${api}/git/trees/${commit.tree}` },
      url: `${api}/git/commits/${commit.sha}`,
      comment_count: 0,
      verification: { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null },
    },
    url: `${api}/commits/${commit.sha}`,
    html_url: `${host.url}/${fullName}/commit/${commit.sha}`,
    comments_url: `${api}/commits/${commit.sha}/comments`,
    author: accountOf(host, commit.author),
    committer: accountOf(host, commit.committer),
    parents: commit.parents.map((sha) => ({
      sha,
      url: `${api}/commits/${sha}`,
      html_url: `${host.url}/${fullName}/commit/${sha}`,
    })),
  } satisfies Rest['schemas']['commit'];
}

function accountOf(host: Host, signature: Signature) {
  const login = accountByEmail(host, signature.email);
  const account = login === undefined ? undefined : host.store.accounts.findByKey(login.toLowerCase());
  return account === undefined ? null : simpleUser(host, account);
}

/** @param patch the file's hunks; GitHub leaves it out for binary and very large files */
export function fileShape(
  host: Host,
  repository: Repository,
  sha: string,
  file: ChangedFile,
  patch: string | undefined,
) {
  const fullName = fullNameOf(host, repository);
  const path = file.path.split('/').map(encodeURIComponent).join('/');
  return {
    sha: file.blobSha,
    filename: file.path,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${host.url}/${fullName}/blob/${sha}/${path}`,
    raw_url: `${host.url}/${fullName}/raw/${sha}/${path}`,
    contents_url: apiUrl(host, `/repos/${fullName}/contents/${path}?ref=${sha}`),
    ...(patch === undefined ? {} : { patch }),
    ...(file.previousPath === undefined ? {} : { previous_filename: file.previousPath }),
  } satisfies Rest['schemas']['diff-entry'];
}
