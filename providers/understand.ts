import { z } from 'zod';
import type { HostEvent } from '../engine/core/trigger.ts';

const maxReasonChars = 300;

/** Runs a translation; what the host did not send as documented is ignored, with the field that is off. */
export function understood(translate: () => HostEvent): HostEvent {
  try {
    return translate();
  } catch (error) {
    if (error instanceof z.ZodError) {
      const [issue] = error.issues;
      return ignored(`its field ${issue?.path.join('.')} is not as expected: ${issue?.message}`);
    }
    if (error instanceof RangeError) return ignored(error.message);
    throw error;
  }
}

/** @param because may quote what was sent, so it is kept short */
export function ignored(because: string): HostEvent {
  return { type: 'ignored', because: because.slice(0, maxReasonChars) };
}

/** What people see of a commit's message or a title. */
export function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 300);
}
