import { html } from 'hono/html';

/** `html` gives a string, or a promise of one where a part of it is awaited. */
export type Html = ReturnType<typeof html>;

/** A moment, as distance for people and exactly for machines and on hover. */
export function ago(now: Date, time: string): Html {
  return html`<time datetime="${time}" title="${time}">${distance(now.getTime() - new Date(time).getTime())}</time>`;
}

function distance(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 45) return 'just now';
  for (const [unit, size] of [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ] as const) {
    const count = Math.round(seconds / size);
    if (count >= 1) return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
  }
  return 'just now';
}

/** `1 h 2 min`, `3 min 4 s`, `5 s`, `< 1 s`. */
export function duration(ms: number): string {
  if (ms < 1_000) return '< 1 s';
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Only web addresses become links; anything else would be a way to run script. */
export function webLink(url: string): string | undefined {
  return /^https?:\/\//i.test(url) ? url : undefined;
}

/** A path in a URL: each part escaped, slashes kept. */
export function urlPath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
