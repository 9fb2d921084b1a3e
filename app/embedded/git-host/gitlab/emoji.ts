import type { ReactionContent } from '../entities.ts';

/** GitLab's names for what the host keeps. */
export const emojiNames: Readonly<Record<ReactionContent, string>> = {
  '+1': 'thumbsup',
  '-1': 'thumbsdown',
  laugh: 'laughing',
  hooray: 'tada',
  confused: 'confused',
  heart: 'heart',
  rocket: 'rocket',
  eyes: 'eyes',
};

export const emojiOf: ReadonlyMap<string, ReactionContent> = new Map([
  ['thumbsup', '+1'],
  ['thumbsdown', '-1'],
  ['laughing', 'laugh'],
  ['tada', 'hooray'],
  ['confused', 'confused'],
  ['heart', 'heart'],
  ['rocket', 'rocket'],
  ['eyes', 'eyes'],
]);
