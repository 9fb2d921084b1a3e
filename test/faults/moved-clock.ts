import { readFileSync } from 'node:fs';

const lookAgainMs = 200;

/**
 * Moves the wall clock of the process that imports it, by as many milliseconds as stand in the file named by
 * `MOVED_CLOCK_FILE`: `node --import moved-clock.ts`. Timers and the monotonic clock go on as they were, as they do when
 * somebody sets a machine's clock.
 */
const file = process.env['MOVED_CLOCK_FILE'] ?? '';
const trueNow = Date.now.bind(Date);
let offsetMs = 0;
let lookedAt = Number.NEGATIVE_INFINITY;

function now(): number {
  if (Math.abs(performance.now() - lookedAt) > lookAgainMs) {
    lookedAt = performance.now();
    offsetMs = Number(readFileSync(file, 'utf8'));
  }
  return trueNow() + offsetMs;
}

globalThis.Date = new Proxy(Date, {
  construct: (target, words, newTarget) => Reflect.construct(target, words.length === 0 ? [now()] : words, newTarget),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
