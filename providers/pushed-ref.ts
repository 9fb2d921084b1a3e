import { type EventKey, isSha, type RepositoryRef, type Sha } from '../engine/core/trigger.ts';

const noCommit = /^0+$/;

/** The branch or tag that a push told of, as git names it and hosts send it. */
export interface PushedRef {
  readonly kind: 'branch' | 'tag';
  readonly name: string;
  readonly isDeleted: boolean;
  /** Where it stood; empty where it is new. */
  readonly since: { readonly beforeSha?: Sha };
  /** What tells this push from others. */
  keyIn(repository: RepositoryRef): EventKey;
}

/** @returns undefined where a push is about neither branch nor tag: notes, a host's own refs */
export function pushedRef(push: {
  readonly ref: string;
  readonly before: string;
  readonly after: string;
}): PushedRef | undefined {
  const { ref, before, after } = push;
  const [, folder, name] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
  if (folder === undefined || name === undefined) return undefined;
  const kind = folder === 'heads' ? 'branch' : 'tag';
  return {
    kind,
    name,
    isDeleted: noCommit.test(after),
    since: isSha(before) && !noCommit.test(before) ? { beforeSha: before } : {},
    keyIn: ({ tenant, id }) => ({
      tenant,
      repositoryId: id,
      subject: `${kind} ${name}`,
      base: '',
      action: 'push',
      before,
      after,
    }),
  };
}
