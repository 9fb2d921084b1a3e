import { html } from 'hono/html';
import type { CheckRun } from '../check-entities.ts';
import type { Pull } from '../entities.ts';
import type { Html } from './words.ts';

export type Tone = 'good' | 'bad' | 'busy' | 'waiting' | 'muted' | 'attention';

const shapes: Readonly<Record<Tone, string>> = {
  good: 'M8 15A7 7 0 1 0 8 1a7 7 0 0 0 0 14Zm3.6-8.7-4.1 4.1a.8.8 0 0 1-1.1 0L4.4 8.4a.8.8 0 0 1 1.1-1.1l1.4 1.4 3.6-3.5a.8.8 0 1 1 1.1 1.1Z',
  bad: 'M8 15A7 7 0 1 0 8 1a7 7 0 0 0 0 14ZM5.2 5.2a.8.8 0 0 1 1.1 0L8 6.900l1.700-1.700a.8.8 0 1 1 1.100 1.100L9.100 8l1.700 1.700a.8.8 0 1 1-1.100 1.100L8 9.100l-1.700 1.700a.8.8 0 0 1-1.100-1.100L6.900 8 5.200 6.300a.8.8 0 0 1 0-1.100Z',
  busy: 'M8 1a7 7 0 1 0 7 7h-1.600A5.400 5.400 0 1 1 8 2.600Z',
  waiting: 'M8 15A7 7 0 1 0 8 1a7 7 0 0 0 0 14Zm0-1.500a5.500 5.500 0 1 1 0-11 5.500 5.500 0 0 1 0 11Z',
  muted: 'M8 15A7 7 0 1 0 8 1a7 7 0 0 0 0 14Zm-3-6.200V7.200h6v1.600Z',
  attention: 'M8 15A7 7 0 1 0 8 1a7 7 0 0 0 0 14ZM7.200 4h1.600v5H7.200Zm0 6.200h1.600v1.600H7.200Z',
};

/** A coloured sign with its meaning in words for those who do not see it. */
export function sign(tone: Tone, words: string): Html {
  return html`<span class="sign ${tone}" title="${words}"
    ><svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path fill="currentColor" d="${shapes[tone]}" /></svg
    ><span class="unseen">${words}</span></span
  >`;
}

export function checkTone(run: CheckRun): Tone {
  if (run.status !== 'completed') return run.status === 'in_progress' ? 'busy' : 'waiting';
  switch (run.conclusion) {
    case 'success':
      return 'good';
    case 'failure':
    case 'timed_out':
      return 'bad';
    case 'action_required':
      return 'attention';
    default:
      return 'muted';
  }
}

export function checkWords(run: CheckRun): string {
  const words = {
    success: 'passed',
    failure: 'failed',
    timed_out: 'timed out',
    action_required: 'needs you',
    neutral: 'neutral',
    cancelled: 'cancelled',
    skipped: 'skipped',
  } as const;
  if (run.status === 'completed') return run.conclusion === null ? 'finished' : words[run.conclusion];
  return run.status === 'in_progress' ? 'running' : 'queued';
}

export function pullBadge(pull: Pull): Html {
  if (pull.mergedAt !== null) return html`<span class="badge merged">Merged</span>`;
  if (pull.state === 'closed') return html`<span class="badge closed">Closed</span>`;
  return pull.draft ? html`<span class="badge draft">Draft</span>` : html`<span class="badge open">Open</span>`;
}
