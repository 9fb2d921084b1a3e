import { z } from 'zod';
import { GitHostError } from '../git-host-error.ts';
import type { GitHostRegistration, RegistrationPlace } from '../git-host-registration.ts';

const gitHubUrl = 'https://github.com';
const maxAnswerBytes = 256 * 1024;
const timeoutMs = 15_000;

const conversion = z.object({
  id: z.number().int().positive(),
  slug: z.string().regex(/^[\w-]{1,100}$/),
  name: z.string(),
  pem: z.string().includes('PRIVATE KEY'),
  webhook_secret: z.string().min(16),
  client_id: z.string().min(1),
  client_secret: z.string().min(1),
});

/** GitHub's manifest flow, on github.com and on an Enterprise Server. */
export const gitHubRegistration: GitHostRegistration = {
  formUrl({ url, organization }, state) {
    const owner = organization === undefined ? '' : `/organizations/${encodeURIComponent(organization)}`;
    return `${url}${owner}/settings/apps/new?${new URLSearchParams({ state })}`;
  },
  async redeem(place, code) {
    if (!/^[\w-]{1,200}$/.test(code)) throw refused('The code is none of GitHub’s');
    const answer = await ask(`${apiUrlOf(place)}/app-manifests/${code}/conversions`);
    const apps = place.url === gitHubUrl ? 'apps' : 'github-apps';
    return {
      name: answer.name,
      // Of our own making: an answer's address is not followed.
      installUrl: `${place.url}/${apps}/${answer.slug}/installations/new`,
      settings: {
        GITHUB_APP_ID: String(answer.id),
        GITHUB_PRIVATE_KEY: answer.pem,
        GITHUB_WEBHOOK_SECRET: answer.webhook_secret,
        GITHUB_CLIENT_ID: answer.client_id,
        GITHUB_CLIENT_SECRET: answer.client_secret,
        ...(place.url === gitHubUrl ? {} : { GITHUB_API_URL: apiUrlOf(place) }),
      },
    };
  },
};

function apiUrlOf({ url }: RegistrationPlace): string {
  return url === gitHubUrl ? 'https://api.github.com' : `${url}/api/v3`;
}

async function ask(url: string): Promise<z.infer<typeof conversion>> {
  let text: string;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { accept: 'application/vnd.github+json' },
      // The code is a credential: it goes nowhere else.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status >= 500) throw new TypeError(`status ${response.status}`);
    if (!response.ok)
      throw refused(`GitHub answered ${response.status}: the code was used before, or is over an hour old`);
    text = await readWithin(response, maxAnswerBytes);
  } catch (error) {
    if (error instanceof GitHostError) throw error;
    throw new GitHostError({
      code: 'unavailable',
      what: 'Asking GitHub for the new App',
      // The cause stays out: it names the address, and the code in it.
      why: `${new URL(url).host} did not answer as GitHub does`,
      fix: 'Look whether Slipway can reach it, and start again at /setup',
    });
  }
  const parsed = conversion.safeParse(parsedJson(text));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path }) => path.join('.')).join(', ');
  throw refused(`The answer lacks ${fields === '' ? 'everything' : fields}`);
}

/** @throws TypeError past the limit */
async function readWithin(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new TypeError('the answer has no end');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // told as an answer that lacks everything
  }
}

function refused(why: string): GitHostError {
  return new GitHostError({
    code: 'invalid',
    what: 'Taking the new GitHub App into use',
    why,
    fix: 'Start again at /setup; delete the App at GitHub where it was made in vain',
  });
}
