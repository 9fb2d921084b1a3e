import { html } from 'hono/html';
import { associationOf } from '../access/authorize.ts';
import { type Account, ReactionContent, type Repository } from '../entities.ts';
import type { Host } from '../host.ts';
import { avatar, csrfField } from './layout.ts';
import { markdown } from './markdown.ts';
import type { Viewer } from './session.ts';
import { ago, type Html } from './words.ts';

const faces: Readonly<Record<ReactionContent, string>> = {
  '+1': '👍',
  '-1': '👎',
  laugh: '😄',
  hooray: '🎉',
  confused: '😕',
  heart: '❤️',
  rocket: '🚀',
  eyes: '👀',
};

/** A comment, or a pull request's own text, with its reactions. */
export function commentCard(
  host: Host,
  viewer: Viewer,
  repository: Repository,
  comment: {
    readonly anchor: string;
    readonly author: Account;
    readonly body: string;
    readonly createdAt: string;
    readonly isEdited: boolean;
    /** As reactions are stored, and where their form goes. */
    readonly subject: string;
    readonly reactUrl: string;
  },
): Html {
  const { author } = comment;
  const association = associationOf(host, repository, author.id);
  const tag = author.type === 'Bot' ? 'bot' : association === 'NONE' ? '' : association.toLowerCase();
  return html`<article class="comment" id="${comment.anchor}">
    <h2 class="unseen">${author.login} wrote</h2>
    <header>
      ${avatar(author.id)}
      <span><strong>${author.login}</strong> ${ago(host.now(), comment.createdAt)}${comment.isEdited ? ' · edited' : ''}</span>
      ${tag === '' ? '' : html`<span class="pill">${tag}</span>`}
    </header>
    <div class="prose">${comment.body.trim() === '' ? html`<p class="meta">No description.</p>` : markdown(comment.body, (text) => linksByDetails(host, host.face.pages.toHtml(host, text)))}</div>
    ${host.face.pages.reactions ? reactions(host, viewer, comment.subject, comment.reactUrl) : ''}
  </article>`;
}

/** Links to details go by way of this host, which tells who comes. */
function linksByDetails(host: Host, rendered: string): string {
  return rendered.replaceAll(/href="([^"]*)"/g, (whole, url: string) =>
    host.details.holds(url) ? `href="/details?${new URLSearchParams({ to: url })}"` : whole,
  );
}

function reactions(host: Host, viewer: Viewer, subject: string, url: string): Html {
  const given = host.store.reactions.list(subject);
  const who = (content: ReactionContent): string[] =>
    given.filter((each) => each.content === content).map((each) => host.store.accounts.get(each.accountId).login);
  const button = (content: ReactionContent): Html => {
    const people = who(content);
    const isMine = people.includes(viewer.account.login);
    return html`<button
      name="content"
      value="${content}"
      class="reaction${isMine ? ' mine' : ''}"
      aria-pressed="${isMine ? 'true' : 'false'}"
      aria-label="${content}, ${people.length}"
      title="${people.length === 0 ? content : people.join(', ')}"
    >
      ${faces[content]}${people.length === 0 ? '' : html` <span>${people.length}</span>`}
    </button>`;
  };
  const contents = ReactionContent.options;
  const used = contents.filter((content) => who(content).length > 0);
  const unused = contents.filter((content) => who(content).length === 0);
  return html`<form method="post" action="${url}" class="reactions">
    ${csrfField(viewer)}${used.map(button)}
    ${
      unused.length === 0
        ? ''
        : html`<details class="menu">
          <summary aria-label="Add a reaction">☺︎</summary>
          <div>${unused.map(button)}</div>
        </details>`
    }
  </form>`;
}
