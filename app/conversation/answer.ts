import type { Person, RepositoryRef, Sha } from '../../engine/core/trigger.ts';
import type { GitHost, PullRequest } from '../../providers/git-host.ts';

/** What became of a command: for who asked, and for the audit. */
export interface Answer {
  /** `denied`: the person may not; `refused`: it cannot be done now. */
  readonly outcome: 'done' | 'denied' | 'refused';
  /** For the pull request, Markdown; none when a reaction says it all. */
  readonly text?: string;
  /** For the audit: why, or what was done. */
  readonly why: string;
  readonly policySha?: string;
  readonly runId?: string;
  /** On which commit, where it is not the head of the pull request. */
  readonly headSha?: Sha;
}

/** A command, by whom and where. */
export interface Asked {
  readonly repository: RepositoryRef;
  readonly number: number;
  readonly by: Person;
  /** The comment that it stands in; a reaction has none. */
  readonly commentId?: string;
  /** Tells this command from every other one. */
  readonly key: string;
  readonly pull: PullRequest;
  readonly host: GitHost;
}

/** What was asked for is done. Without a `text` in the facts it shows elsewhere, and nothing is written under it. */
export function done(why: string, facts: Partial<Answer> = {}): Answer {
  return { outcome: 'done', why, ...facts };
}

/** @param why told to the person too, so it is Markdown */
export function refused(why: string, facts: Partial<Answer> = {}): Answer {
  return { outcome: 'refused', why, text: `${why}.`, ...facts };
}

/** Somebody asked who may not. @param why told to the person too, so it is Markdown */
export function denied(why: string, facts: Partial<Answer> = {}): Answer {
  return { outcome: 'denied', why, text: `${why}.`, ...facts };
}

/** Finds the reply to a comment again. */
export function answerMarker(key: string): string {
  return `<!-- slipway answer ${key.replaceAll(/[^\w-]/g, '-')} -->`;
}
