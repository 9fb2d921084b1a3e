import type { RepositoryRef } from '../../engine/core/trigger.ts';
import { isStatus } from './session.ts';

const perPage = 100;
const maxPages = 10;
/** Of all repositories together, the ones read longest ago go first: a page of pull requests takes some 50 kB. */
const maxKept = 300;

/** A page as the host is asked for it; `headers` name the one that we have. */
interface AskedPage {
  readonly per_page: number;
  readonly page: number;
  readonly headers: { readonly 'if-none-match'?: string };
}

interface Page<T> {
  readonly entries: readonly T[];
  /** As many as the host sent, also where not all became entries. */
  readonly sent: number;
  readonly etag: string | undefined;
}

/**
 * Lists of repositories as they were last read. Asked whether a page is still the same, GitHub says so without counting it
 * against the hourly limit: what is looked at again and again costs only what changed, and once an hour all of it, when
 * the installation has a new token, for which GitHub has other ETags.
 * https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
 */
export class KnownLists<T> {
  readonly #pages = new Map<string, Page<T>>();

  /** @param ask throws octokit's error; of status 304 where the page is still the same */
  async read(
    { tenant, id, owner, name }: RepositoryRef,
    ask: (page: AskedPage) => Promise<Page<T>>,
  ): Promise<{ readonly entries: readonly T[]; readonly isComplete: boolean }> {
    const entries: T[] = [];
    for (let page = 1; page <= maxPages; page += 1) {
      const found = await this.#page(`${tenant} ${id} ${owner}/${name} ${page}`, { per_page: perPage, page }, ask);
      entries.push(...found.entries);
      if (found.sent < perPage) return { entries, isComplete: true };
    }
    return { entries, isComplete: false };
  }

  async #page(
    key: string,
    asked: Omit<AskedPage, 'headers'>,
    ask: (page: AskedPage) => Promise<Page<T>>,
  ): Promise<Page<T>> {
    const known = this.#pages.get(key);
    const page = await ask({
      ...asked,
      headers: known?.etag === undefined ? {} : { 'if-none-match': known.etag },
    }).catch((error: unknown) => {
      if (known !== undefined && isStatus(error, 304)) return known;
      throw error;
    });
    // Put at the end: the first is the one that was read longest ago.
    this.#pages.delete(key);
    if (page.etag !== undefined) this.#pages.set(key, page);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= maxKept) break;
      this.#pages.delete(oldest);
    }
    return page;
  }
}
