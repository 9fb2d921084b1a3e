import { systemErrorCode } from './system-error.ts';

/** Why a request got no answer: fetch itself says "fetch failed", and the cause beneath it what it was. */
export function whyUnanswered(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'Nobody answered in time';
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  // Several addresses of one name that all refused: the message stands with each of them, and only the code here.
  return cause.message === '' ? (systemErrorCode(cause) ?? cause.name) : cause.message;
}
