import type { EmbeddedGitHost } from '../../../../app/embedded/git-host/git-host.ts';

/** A browser as far as it matters here: it keeps one cookie. */
export async function signedIn(host: EmbeddedGitHost, login: string) {
  const link = host.signInLink(login);
  const answer = await fetch(link, { redirect: 'manual' });
  const setCookie = answer.headers.get('set-cookie') ?? '';
  const cookie = setCookie.split(';')[0] ?? '';
  const get = async (path: string) => await fetch(host.url + path, { headers: { cookie } });
  const csrf = async (path: string): Promise<string> =>
    /name="csrf" value="([^"]+)"/.exec(await (await get(path)).text())?.[1] ?? '';
  const post = async (path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
    await fetch(host.url + path, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, origin: host.url, 'sec-fetch-site': 'same-origin', ...headers },
      body: new URLSearchParams(form),
    });
  return { link, setCookie, cookie, get, csrf, post };
}
