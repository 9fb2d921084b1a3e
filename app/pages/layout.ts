import { html, raw } from 'hono/html';

/** `html` gives a string, or a promise of one where a part of it is awaited. */
export type Html = ReturnType<typeof html>;

/** A whole page of Slipway. */
export function page(facts: {
  readonly title: string;
  /** One of our own; pages work without it. */
  readonly script?: 'live.js' | 'log.js';
  readonly body: Html;
}): Html {
  return legible(html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>${facts.title}</title>
        <link rel="stylesheet" href="/assets/base.css" />
        <link rel="stylesheet" href="/assets/page.css" />
        ${facts.script === undefined ? '' : html`<script src="/assets/${facts.script}" defer></script>`}
      </head>
      <body>
        <header><a href="/">Slipway</a></header>
        <main>${facts.body}</main>
      </body>
    </html>`);
}

/** Without what nobody sees but what turns the direction of writing, in titles and branches of others. */
async function legible(text: Html): Promise<Awaited<Html>> {
  return raw((await text).replaceAll(/(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, ''));
}
