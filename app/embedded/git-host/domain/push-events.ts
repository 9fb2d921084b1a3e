import type { components } from '@octokit/openapi-webhooks-types';
import type { Repository } from '../entities.ts';
import { commitsWithPaths, type PushedCommit } from '../git/changes.ts';
import type { Signature } from '../git/commit.ts';
import { zeroHash } from '../git/ref-name.ts';
import { type Actor, fullNameOf, gitOf, type Host } from '../host.ts';
import { emit } from '../webhooks/emit.ts';

/** A ref that moved. `before` or `after` is all zeros where there was or is none. */
export interface RefChange {
  readonly ref: string;
  readonly before: string;
  readonly after: string;
}

export type PushBody = Pick<
  components['schemas']['webhook-push'],
  | 'ref'
  | 'before'
  | 'after'
  | 'pusher'
  | 'created'
  | 'deleted'
  | 'forced'
  | 'base_ref'
  | 'compare'
  | 'commits'
  | 'head_commit'
>;

/** GitHub lists no more commits than this. */
const listedCommits = 2_048;

/** Reads from git what a push's webhook will say. @param known commits that other refs already had */
export async function describePush(
  host: Host,
  repository: Repository,
  change: RefChange,
  known: readonly string[],
  actor: Actor,
): Promise<PushBody> {
  const git = gitOf(host, repository.id);
  const { ref, before, after } = change;
  const created = before === zeroHash;
  const deleted = after === zeroHash;
  const html = `${host.url}/${fullNameOf(host, repository)}`;
  const tip = deleted ? undefined : await git.resolve(after);
  const exclude = created ? [...new Set(known)].map((sha) => `^${sha}`) : [`^${before}`];
  const isTag = ref.startsWith('refs/tags/');
  const [commits, head, continues] = await Promise.all([
    tip === undefined || isTag ? [] : commitsWithPaths(git, [tip, ...exclude], listedCommits),
    tip === undefined ? [] : commitsWithPaths(git, [tip], 1),
    created || deleted ? true : git.isAncestor(before, after),
  ]);
  const shaped = (commit: PushedCommit) => ({
    id: commit.sha,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: commit.committer.date,
    url: `${html}/commit/${commit.sha}`,
    author: person(host, commit.author),
    committer: person(host, commit.committer),
    added: [...commit.added],
    removed: [...commit.removed],
    modified: [...commit.modified],
  });
  return {
    ref,
    before,
    after,
    pusher: { name: actor.account.login, email: `${actor.account.login}@users.noreply.localhost` },
    created,
    deleted,
    forced: !continues,
    base_ref: null,
    compare:
      created || deleted
        ? `${html}/compare/${shortRef(ref)}`
        : `${html}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
    commits: commits.map(shaped),
    head_commit: head[0] === undefined ? null : shaped(head[0]),
  };
}

function person(host: Host, signature: Signature) {
  const account = accountByEmail(host, signature.email);
  return {
    name: signature.name,
    email: signature.email,
    date: signature.date,
    ...(account === undefined ? {} : { username: account }),
  };
}

/** `<login>@users.noreply.localhost`, the address that this host gives each account, says who wrote a commit. */
export function accountByEmail(host: Host, email: string): string | undefined {
  const login = /^(.+)@users\.noreply\.localhost$/.exec(email)?.[1];
  return login === undefined ? undefined : host.store.accounts.findByKey(login.toLowerCase())?.login;
}

export function shortRef(ref: string): string {
  return ref.replace(/^refs\/(heads|tags)\//, '');
}

/** Puts a push, and where it applies a `create` or `delete`, into the outbox. Call it in the transaction that records the refs. */
export function emitPush(host: Host, repository: Repository, push: PushBody, actor: Actor): void {
  const kind = {
    ref: shortRef(push.ref),
    ref_type: push.ref.startsWith('refs/tags/') ? ('tag' as const) : ('branch' as const),
    pusher_type: 'user',
  };
  if (push.created)
    emit(host, {
      event: 'create',
      repository,
      sender: actor.account,
      body: { ...kind, master_branch: repository.defaultBranch, description: repository.description },
    });
  if (push.deleted) emit(host, { event: 'delete', repository, sender: actor.account, body: kind });
  emit(host, { event: 'push', repository, sender: actor.account, body: push });
}
