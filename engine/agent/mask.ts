const shortestSecret = 4;
const mask = '***';
/** Tools wrap base64 at these columns (openssl and PEM, coreutils). */
const base64Columns = [64, 76] as const;
const shortestWrappedPiece = 12;
/** A shorter piece of base64 stands in much that is no secret. */
const shortestInner = 6;

/** Hides secrets in text: as they are, in base64 (also inside something longer, also wrapped), in URLs and in JSON. */
export class Mask {
  readonly #forms: readonly string[];

  constructor(secrets: readonly string[]) {
    const forms = secrets.flatMap((secret) => [secret, ...secret.split(/\r?\n/)]).flatMap(formsOf);
    // Longer ones first, so that a secret that contains another is hidden whole.
    this.#forms = [...new Set(forms)].sort((a, b) => b.length - a.length);
  }

  /** Length of the longest text that is hidden. */
  get longest(): number {
    return this.#forms[0]?.length ?? 0;
  }

  /** The text must hold whole lines: a secret split over writes is whole again in its line. */
  hide(text: string): string {
    let hidden = text;
    for (const form of this.#forms) if (hidden.includes(form)) hidden = hidden.replaceAll(form, mask);
    return hidden;
  }

  /**
   * Where a long line may be cut so that no secret is cut in two.
   * @param text goes on for at least `longest` characters after `at`, or is whole
   * @returns `at`, or less; `at` where a secret is longer than the piece itself
   */
  cut(text: string, at: number): number {
    let place = at;
    for (let isMoved = true; isMoved; ) {
      isMoved = false;
      for (const form of this.#forms) {
        const found = text.slice(Math.max(0, place - form.length + 1), place + form.length - 1).indexOf(form);
        if (found < 0) continue;
        place = Math.max(0, place - form.length + 1) + found;
        isMoved = true;
      }
    }
    return place === 0 ? at : place;
  }
}

function formsOf(secret: string): string[] {
  if (secret.length < shortestSecret) return [];
  const bytes = Buffer.from(secret);
  // Inside a longer text a secret begins at any of the three places of a base64 group; the edges depend on neighbours.
  const inner = [0, 1, 2]
    .map((offset) =>
      Buffer.concat([Buffer.alloc(offset), bytes])
        .toString('base64')
        .replace(/=+$/, '')
        .slice(offset === 0 ? 0 : offset + 1, -1),
    )
    .filter(({ length }) => length >= shortestInner);
  const base64 = [bytes.toString('base64').replace(/=+$/, ''), ...inner];
  const urlSafe = base64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'));
  const wrapped = base64Columns.flatMap((columns) => piecesOf(base64[0] ?? '', columns));
  return [
    secret,
    ...base64,
    ...urlSafe,
    ...wrapped,
    encodeURIComponent(secret.toWellFormed()),
    JSON.stringify(secret).slice(1, -1),
  ].filter((form) => form.length >= shortestSecret);
}

function piecesOf(base64: string, columns: number): string[] {
  if (base64.length <= columns) return [];
  const pieces: string[] = [];
  for (let from = 0; from < base64.length; from += columns) pieces.push(base64.slice(from, from + columns));
  return pieces.filter(({ length }) => length >= shortestWrappedPiece);
}
