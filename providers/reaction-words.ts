import type { ReactionContent } from '../engine/core/trigger.ts';

/** The reactions that mean something here, by a host's names for them. */
export interface ReactionWords {
  readonly theirs: Readonly<Record<ReactionContent, string>>;
  /** Undefined for one that means nothing here. */
  ours(name: string): ReactionContent | undefined;
}

const contents: readonly ReactionContent[] = ['thumbs_up', 'thumbs_down', 'rocket', 'eyes', 'confused'];

export function reactionWords<Words extends Readonly<Record<ReactionContent, string>>>(
  theirs: Words,
): ReactionWords & { readonly theirs: Words } {
  return { theirs, ours: (name) => contents.find((content) => theirs[content] === name) };
}

/** Gitea took GitHub's names over. */
export const gitHubReactions = reactionWords({
  thumbs_up: '+1',
  thumbs_down: '-1',
  rocket: 'rocket',
  eyes: 'eyes',
  confused: 'confused',
} as const);
