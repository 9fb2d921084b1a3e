import { createHash } from 'node:crypto';

/**
 * Name of an attempt's pod: a DNS label of at most 63 characters, the same for the same attempt. The readable part is
 * for people; the hash keeps names apart whose readable parts are equal.
 */
export function podName(runId: string, stage: string, attempt: number): string {
  const readable = stage
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 24)
    .replaceAll(/^-+|-+$/g, '');
  const hash = createHash('sha256').update(`${runId}\0${stage}\0${attempt}`).digest('hex').slice(0, 10);
  return ['run', runId.toLowerCase(), readable, attempt, hash].filter((part) => part !== '').join('-');
}
