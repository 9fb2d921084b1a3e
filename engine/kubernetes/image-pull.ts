import type { PodObservation } from '../ports/pod-runner.ts';

/** Names come and go with a name server; a wrong one stays wrong. */
const unknownHostPatienceMs = 2 * 60_000;

/** What registries and node runtimes answer, most telling first. */
const answers: readonly {
  readonly pattern: RegExp;
  readonly tell: (image: string, answer: string) => PodObservation['state'];
}[] = [
  {
    pattern: /toomanyrequests|too many requests|\b429\b|rate limit/i,
    tell: (image, answer) => ({
      phase: 'waiting',
      reason: `the registry limits how often ${image} may be pulled: ${answer}`,
      fix: 'Pull through a mirror of your own (`images` in the settings), or with a login (`pullSecrets`)',
    }),
  },
  {
    pattern:
      /unauthorized|authentication required|\b401\b|\b403\b|forbidden|access denied|insufficient_scope|no basic auth/i,
    tell: (image, answer) => ({
      phase: 'ended',
      cause: 'image-denied',
      message: `The image ${image} cannot be pulled: the registry refuses (${answer}). Check the name; for a private image an administrator adds a login to \`pullSecrets\``,
    }),
  },
  {
    pattern: /not ?found|manifest unknown|name unknown|does not exist|\b404\b|no match for platform/i,
    tell: (image, answer) => ({
      phase: 'ended',
      cause: 'image-name',
      message: `There is no image ${image}: ${answer}. Correct \`image\` in the pipeline file`,
    }),
  },
  {
    pattern: /no such host/i,
    tell: (image, answer) => ({
      phase: 'waiting',
      reason: `the registry of ${image} is not found: ${answer}`,
      fix: 'Correct `image` in the pipeline file, or make the registry known to the nodes',
      patienceMs: unknownHostPatienceMs,
    }),
  },
];

/**
 * What a failed pull means. A registry's definite no ends the attempt at once; all else may pass by itself.
 * @param message as the node's runtime words it; several layers repeat the image's name before the answer
 */
export function pullState(image: string, message: string): PodObservation['state'] {
  const answer = answerIn(message);
  // A host that is not found is no answer of a registry, though it says "not found" as well.
  const known = /no such host/i.test(message) ? answers.at(-1) : answers.find(({ pattern }) => pattern.test(answer));
  return known?.tell(image, answer) ?? { phase: 'waiting', reason: `the image ${image} cannot be pulled: ${answer}` };
}

/** What stands after the last quoted name: what was answered. Before it stands what the runtime was doing. */
function answerIn(message: string): string {
  const chain = message.replaceAll(/\s+/g, ' ').trim();
  const answer = chain
    .slice(chain.lastIndexOf('": ') + 1)
    .replace(/^: /, '')
    .replace(/^\S+: (?=not found)/, '');
  return answer.length > 300 ? `${answer.slice(0, 297)}...` : answer;
}
