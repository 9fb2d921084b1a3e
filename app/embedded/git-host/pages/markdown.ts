import { raw } from 'hono/html';
import { Marked } from 'marked';
import sanitize from 'sanitize-html';
import type { Html } from './words.ts';

const marked = new Marked({ gfm: true, breaks: true, async: false });

const rules: sanitize.IOptions = {
  allowedTags: [
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'p', 'br', 'hr', 'blockquote', 'pre', 'code', 'ul', 'ol', 'li'],
    ...['table', 'thead', 'tbody', 'tr', 'th', 'td', 'details', 'summary', 'div', 'span', 'a', 'input'],
    ...['strong', 'b', 'em', 'i', 'del', 's', 'ins', 'sub', 'sup', 'kbd', 'samp', 'var', 'q', 'dl', 'dt', 'dd'],
  ],
  allowedAttributes: {
    a: ['href', 'title', 'rel'],
    table: ['tabindex'],
    pre: ['tabindex'],
    th: ['align'],
    td: ['align'],
    ol: ['start'],
    details: ['open'],
    input: ['type', 'checked', 'disabled'],
  },
  allowedSchemes: ['http', 'https', 'mailto'],
  allowProtocolRelative: false,
  disallowedTagsMode: 'discard',
  nestingLimit: 50,
  transformTags: {
    a: sanitize.simpleTransform('a', { rel: 'noopener noreferrer nofollow' }),
    // What may be wider than the page is scrolled by the keyboard too.
    table: sanitize.simpleTransform('table', { tabindex: '0' }),
    pre: sanitize.simpleTransform('pre', { tabindex: '0' }),
    // Pictures from elsewhere would tell that place who reads: they become links.
    img: (_, attributes) => ({
      tagName: 'a',
      attribs: { href: attributes['src'] ?? '', rel: 'noopener noreferrer nofollow' },
      text: attributes['alt'] || 'image',
    }),
    // The only input is a task list's box, and nobody ticks it here.
    input: (_, attributes) => ({
      tagName: 'input',
      attribs: {
        type: 'checkbox',
        disabled: '',
        ...(attributes['checked'] === undefined ? {} : { checked: '' }),
      },
    }),
  },
};

/** Markdown of anyone's hand as HTML that cannot do anything. @param toHtml as one host does it; GitHub's when left out */
export function markdown(text: string, toHtml = (source: string) => marked.parse(source, { async: false })): Html {
  return raw(sanitize(toHtml(text), rules));
}

const inlineRules: sanitize.IOptions = { ...rules, allowedTags: ['code', 'strong', 'em', 'del'] };

/** One line of Markdown: code and emphasis only, as in titles. */
export function inlineMarkdown(text: string): Html {
  return raw(sanitize(marked.parseInline(text, { async: false }), inlineRules));
}
