const shortestSecret = 4;
const mask = '***';

/** Hides secrets in text: as they are, in base64 and URL-encoded. */
export class Mask {
  readonly #forms: readonly string[];

  constructor(secrets: readonly string[]) {
    const forms = secrets
      .flatMap((secret) => [secret, ...secret.split('\n')])
      .filter((secret) => secret.length >= shortestSecret)
      .flatMap((secret) => [
        secret,
        Buffer.from(secret).toString('base64').replace(/=+$/, ''),
        encodeURIComponent(secret),
      ]);
    // Longer ones first, so that a secret that contains another is hidden whole.
    this.#forms = [...new Set(forms)].sort((a, b) => b.length - a.length);
  }

  /** The text must hold whole lines: a secret split over writes is whole again in its line. */
  hide(text: string): string {
    let hidden = text;
    for (const form of this.#forms) if (hidden.includes(form)) hidden = hidden.replaceAll(form, mask);
    return hidden;
  }
}
