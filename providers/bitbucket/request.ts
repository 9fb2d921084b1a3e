const maxAnswerBytes = 32 * 2 ** 20;
const maxRedirects = 3;

/** What the `bitbucket` package asks of a `fetch`. */
export interface BitbucketRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Asked for where a file's bytes are wanted as they are, whatever their name says. */
export const rawBytes = '*/*';

/**
 * How the `bitbucket` package sends requests here: once, each with its own time limit, and bounded. Redirects are
 * followed (a pull request's diffstat is one), but to the API itself alone: anywhere else they would carry the token to
 * where a stranger says. The package takes any content type but JSON for text, and trips over none at all.
 */
export function requester(
  apiUrl: string,
  timeoutMs: number,
): (url: string, request: BitbucketRequest) => Promise<Response> {
  const { origin } = new URL(apiUrl);
  return async (url, { method, headers, body }) => {
    const signal = AbortSignal.timeout(timeoutMs);
    let target = new URL(url);
    for (let redirects = 0; ; redirects += 1) {
      if (target.origin !== origin) return refusal(422, 'It is kept outside of the API, as large files are');
      const response = await fetch(target, {
        method,
        headers: { ...headers },
        ...(body === undefined ? {} : { body }),
        redirect: 'manual',
        signal,
      });
      const location = response.headers.get('location');
      if (response.status < 300 || response.status >= 400) return answer(response, headers['accept'] === rawBytes);
      await response.body?.cancel();
      if (location === null || method !== 'GET' || redirects === maxRedirects)
        return refusal(502, 'It redirects where it should answer: is this the address of the API?');
      target = new URL(location, target);
    }
  };
}

async function answer(response: Response, isRaw: boolean): Promise<Response> {
  const bytes = await bounded(response);
  if (bytes === undefined) return refusal(413, 'The answer is too large');
  const type = response.headers.get('content-type') ?? 'text/plain';
  if (response.ok && !isRaw && bytes.length > 0 && !type.includes('application/json'))
    return refusal(502, 'The answer is not JSON: is this the address of the API?');
  const headers = new Headers(response.headers);
  // Both are about what fetch has undone already.
  for (const name of ['content-encoding', 'content-length']) headers.delete(name);
  headers.set(
    'content-type',
    response.ok && isRaw ? 'application/octet-stream' : bytes.length > 0 ? type : 'text/plain',
  );
  return new Response(bytes.length === 0 ? null : bytes, { status: response.status, headers });
}

async function bounded(response: Response): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > maxAnswerBytes) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** In the shape of Bitbucket's own errors. */
function refusal(status: number, message: string): Response {
  return Response.json({ type: 'error', error: { message } }, { status });
}
