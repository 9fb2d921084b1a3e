import { Marked } from 'marked';
import type { Host } from '../host.ts';
import { idIn } from './identity.ts';

/** Bitbucket's Markdown: tags show as they are written, and a definition that nothing refers to shows nowhere. */
const marked = new Marked({
  gfm: true,
  breaks: true,
  async: false,
  renderer: { html: ({ text }) => escapeTags(text) },
});

/** Mentions as people read them: `@{712020:...}` is somebody's name. */
export function withNames(host: Host, text: string): string {
  return text.replaceAll(/@\{([^{}\s]{1,100})\}/g, (mention, id: string) => {
    const account = host.store.accounts.find(idIn(id) ?? 0);
    return account === undefined ? mention : `**@${account.name ?? account.login}**`;
  });
}

export function markup(text: string): string {
  return marked.parse(text, { async: false });
}

function escapeTags(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
