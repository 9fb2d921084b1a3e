/** As much of a browser as forms and redirects need. */
export class FormBrowser {
  readonly #cookies = new Map<string, Map<string, string>>();

  /** Another browser with the same cookies, from now on its own. */
  copy(): FormBrowser {
    const copy = new FormBrowser();
    for (const [origin, cookies] of this.#cookies) copy.#cookies.set(origin, new Map(cookies));
    return copy;
  }

  async open(
    url: string,
    form?: Readonly<Record<string, string>>,
  ): Promise<{ status: number; text: string; location: string; setCookie: string }> {
    const { origin } = new URL(url);
    const cookies = this.#cookies.get(origin) ?? new Map<string, string>();
    this.#cookies.set(origin, cookies);
    const response = await fetch(url, {
      redirect: 'manual',
      headers: {
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(form === undefined ? {} : { origin }),
      },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    return {
      status: response.status,
      text: await response.text(),
      location: response.headers.get('location') ?? '',
      setCookie: response.headers.getSetCookie().join('\n'),
    };
  }
}

/** The value of a form's field. */
export function field(html: string, name: string): string {
  return unescaped(new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '');
}

export function unescaped(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
}
