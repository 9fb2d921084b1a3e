import { html } from 'hono/html';
import type { Label, Pull } from '../entities.ts';
import type { Host } from '../host.ts';
import { csrfField } from './layout.ts';
import type { Viewer } from './session.ts';
import type { Html } from './words.ts';

/** The colour is a drawing's attribute: pages allow no inline style. */
export function labelChip(label: Label): Html {
  return html`<span class="label" title="${label.description ?? ''}"
    ><svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true"><circle cx="5" cy="5" r="5" fill="#${label.color}" /></svg
    >${label.name}</span
  >`;
}

/** What the viewer may do to the repository. */
export type Rights = 'write' | 'read';

/** The labels of a pull request, with what puts them on and takes them off for those who may. */
export function labelsPart(host: Host, viewer: Viewer, pull: Pull, href: string, rights: Rights): Html {
  const labels = pull.labelIds.flatMap((id) => host.store.labels.find(id) ?? []);
  const others = host.store.labels.list(pull.repositoryId).filter(({ id }) => !pull.labelIds.includes(id));
  return html`<section aria-label="Labels">
    <h2 class="small">Labels</h2>
    ${labels.length === 0 ? html`<p class="meta">None yet</p>` : ''}
    ${labels.map(
      (label) => html`<form method="post" action="${href}/labels/remove" class="inline">
        ${csrfField(viewer)}<input type="hidden" name="name" value="${label.name}" />${labelChip(label)}
        ${rights === 'write' ? html`<button class="quiet" aria-label="Remove label ${label.name}">×</button>` : ''}
      </form>`,
    )}
    ${
      rights === 'write'
        ? html`<form method="post" action="${href}/labels" class="line">
          ${csrfField(viewer)}
          <label class="unseen" for="label-name">Label</label>
          <input id="label-name" name="name" list="label-names" placeholder="Add a label" maxlength="50" required />
          <datalist id="label-names">${others.map(({ name }) => html`<option value="${name}"></option>`)}</datalist>
          <button>Add</button>
        </form>`
        : ''
    }
  </section>`;
}
