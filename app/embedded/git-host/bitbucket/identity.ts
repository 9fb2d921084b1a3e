/** Bitbucket tells things apart by uuids in braces; ours hold the number that the host itself gave. */
export function uuidOf(id: number): string {
  return `{00000000-0000-4000-8000-${id.toString(16).padStart(12, '0')}}`;
}

/** What people are known by beside it. */
export function accountIdOf(id: number): string {
  return `712020:${uuidOf(id).slice(1, -1)}`;
}

/** The number in either of them; undefined for anything else. */
export function idIn(text: string): number | undefined {
  const [, digits] = /^(?:\{|712020:)00000000-0000-4000-8000-([0-9a-f]{12})\}?$/i.exec(text) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

/** Bitbucket prints commits of pull requests with this many characters. */
export function shortHash(sha: string): string {
  return sha.slice(0, 12);
}

/** With the microseconds and offset that Bitbucket prints. */
export function timeOf(time: string): string {
  return `${new Date(time).toISOString().slice(0, 23)}000+00:00`;
}
