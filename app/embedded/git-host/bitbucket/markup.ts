import { Marked } from 'marked';

/** Bitbucket's Markdown: tags show as they are written, and a definition that nothing refers to shows nowhere. */
const marked = new Marked({
  gfm: true,
  breaks: true,
  async: false,
  renderer: { html: ({ text }) => escapeTags(text) },
});

export function markup(text: string): string {
  return marked.parse(text, { async: false });
}

function escapeTags(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
