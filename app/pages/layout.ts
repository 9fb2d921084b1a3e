import { html } from 'hono/html';

/** `html` gives a string, or a promise of one where a part of it is awaited. */
export type Html = ReturnType<typeof html>;

/** A whole page of Slipway. */
export function page(facts: {
  readonly title: string;
  /** One of our own; pages work without it. */
  readonly script?: 'live.js' | 'log.js';
  readonly body: Html;
}): Html {
  return html`<!doctype html>
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
    </html>`;
}
