/** Why a request got no answer: fetch itself says "fetch failed", and the cause beneath it what it was. */
export function whyUnanswered(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'Nobody answered in time';
  return error.cause instanceof Error ? error.cause.message : error.message;
}
