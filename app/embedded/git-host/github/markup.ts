import { Marked } from 'marked';

const marked = new Marked({ gfm: true, breaks: true, async: false });

/** GitHub-flavoured Markdown, tags and all. GitLab's is near enough to it. */
export function markup(text: string): string {
  return marked.parse(text, { async: false });
}
