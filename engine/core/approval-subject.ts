import type { Person, Sha } from './trigger.ts';

/** The one state that an approval is about. Whatever of it moves voids the approval. */
export interface ApprovalSubject {
  readonly environment: string;
  readonly headSha: Sha;
  /** What the difference is shown against: the commit that is live there; before the first deploy, the commit before. */
  readonly baseSha: Sha;
  /** Of what would be deployed. */
  readonly digest: string;
  /** `<revision> <digest>` that the environment runs, or `nothing`. */
  readonly live: string;
  /** Whose change it is: they are not asked about their own. */
  readonly authors: readonly Person[];
  /** The owners of the changed paths, each list once: one of each has to approve. Empty where the policy asks for none. */
  readonly owners: readonly (readonly string[])[];
}

export type SubjectField = 'head' | 'base' | 'digest' | 'environment' | 'live revision' | 'prompt';

/** Where an approval was asked for: a comment made for this state, and never used for another. */
export interface Prompt {
  /** Of the pull request. */
  readonly number: number;
  readonly commentId: string;
  /** SHA-256 of the comment as it was written. */
  readonly hash: string;
}

/** `command line`: by the operator of this Slipway. */
export type ApprovedVia = 'command' | 'reaction' | 'command line';

/** The first field that is another one now. */
export function driftOf(
  subject: ApprovalSubject,
  now: ApprovalSubject,
): { readonly field: SubjectField; readonly was: string; readonly is: string } | undefined {
  const fields: readonly (readonly [SubjectField, string, string])[] = [
    ['environment', subject.environment, now.environment],
    ['head', subject.headSha, now.headSha],
    ['digest', subject.digest, now.digest],
    ['live revision', subject.live, now.live],
    ['base', subject.baseSha, now.baseSha],
  ];
  const drifted = fields.find(([, was, is]) => was !== is);
  return drifted === undefined ? undefined : { field: drifted[0], was: drifted[1], is: drifted[2] };
}

/** By id or by login: a commit may name its author by login alone. */
export function isAuthor({ authors }: ApprovalSubject, person: Person): boolean {
  const login = person.login.toLowerCase();
  return authors.some((author) => author.id === person.id || author.login.toLowerCase() === login);
}
