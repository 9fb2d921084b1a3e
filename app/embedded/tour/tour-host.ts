/** What the tour does at a Git host, as people with tokens. */
export interface TourHost {
  /** Where a person with the token clones a repository of `owner`. */
  cloneUrl(owner: string): string;
  /** The organisation, group or workspace that the repository is in. */
  readonly owner: string;
  hasMain(): Promise<boolean>;
  /** From a branch of the repository itself, as the developer; or from somebody's fork. */
  openPullRequest(change: { readonly branch: string; readonly title: string }, from?: TourPerson): Promise<number>;
  /** A copy of the repository under the person's own name. */
  fork(person: TourPerson): Promise<void>;
  comment(person: TourPerson, number: number, body: string): Promise<void>;
  /** @returns false where the host has no labels */
  label(person: TourPerson, number: number, name: string): Promise<boolean>;
  /** Whether somebody is told that a fork's head waits for consent. */
  asksForConsent(number: number, headSha: string): Promise<boolean>;
  /** How a command is written there. */
  readonly commandPrefix: '/' | '/slipway ';
  /** Merges when the head is still the one given. @returns the merge commit's SHA */
  merge(number: number, headSha: string): Promise<string>;
  /** Lines of files that a reader of the pull request is pointed at, and by what. */
  failingPlaces(
    number: number,
    headSha: string,
  ): Promise<readonly { readonly by: string; readonly path: string; readonly line: number }[]>;
  failedChecks(headSha: string): Promise<readonly string[]>;
  /** Names of checks on a commit that are not completed, or not green. */
  openOrRedChecks(headSha: string): Promise<readonly string[]>;
  /** The comments Slipway wrote on a pull request, oldest first. */
  comments(number: number): Promise<readonly string[]>;
  pullRequestUrl(number: number): string;
}

/** Who there is: all work with tokens of their own. */
export interface TourPeople {
  readonly developer: TourPerson;
  /** May write. */
  readonly reviewer: TourPerson;
  /** May read what everybody may, and has a copy of it. */
  readonly contributor: TourPerson;
  /** The login under which Slipway comments. */
  readonly bot: string;
}

export interface TourPerson {
  readonly login: string;
  readonly token: string;
}
