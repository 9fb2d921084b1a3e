import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { EngineError } from '../../engine/ports/errors.ts';
import { giteaSetup } from '../../providers/gitea/setup.ts';
import { keptSecret } from './embedded-slipway.ts';
import type { InstalledHost } from './installed-host.ts';
import { personalApi } from './tour/api.ts';
import { giteaTour } from './tour/gitea.ts';

const repository = 'hello';

const Variables = z.object({
  GITEA_URL: z.url(),
  GITEA_ADMIN_USER: z.string(),
  GITEA_ADMIN_TOKEN: z.string(),
  GITEA_BOT_USER: z.string(),
  GITEA_BOT_TOKEN: z.string(),
  GITEA_DEV_USER: z.string(),
  GITEA_DEV_TOKEN: z.string(),
  GITEA_OUTSIDER_USER: z.string(),
  GITEA_OUTSIDER_TOKEN: z.string(),
});

/**
 * A real Gitea that the environment names, with an organisation made for this walk, and Slipway installed on it.
 * @throws EngineError `invalid` naming the variables that are missing
 */
export async function installedOnGitea(environment: NodeJS.ProcessEnv, dataDir: string): Promise<InstalledHost> {
  const parsed = Variables.safeParse(environment);
  if (!parsed.success) {
    throw new EngineError({
      code: 'invalid',
      what: 'Walking through a delivery on Gitea',
      why: `these variables are missing: ${parsed.error.issues.map(({ path }) => path.join('.')).join(', ')}`,
      fix: 'Name a running Gitea in GITEA_URL, and four of its people in GITEA_{ADMIN,BOT,DEV,OUTSIDER}_{USER,TOKEN}',
    });
  }
  const { GITEA_URL, GITEA_BOT_USER: bot, GITEA_BOT_TOKEN: token, ...others } = parsed.data;
  const url = GITEA_URL.replace(/\/+$/, '');
  const owner = `slipway-${randomBytes(4).toString('hex')}`;
  const developer = { login: others.GITEA_DEV_USER, token: others.GITEA_DEV_TOKEN };
  const people = {
    developer,
    reviewer: { login: others.GITEA_ADMIN_USER, token: others.GITEA_ADMIN_TOKEN },
    contributor: { login: others.GITEA_OUTSIDER_USER, token: others.GITEA_OUTSIDER_TOKEN },
    bot,
  };
  const api = personalApi(`${url}/api/v1`, token);
  await api.call('POST', '/orgs', z.unknown(), { username: owner });
  const asked = { name: repository, description: 'A small web service', default_branch: 'main' };
  await api.call('POST', `/orgs/${owner}/repos`, z.unknown(), asked);
  for (const { login } of [people.developer, people.reviewer]) {
    const member = { permission: 'write' };
    await api.call('PUT', `/repos/${owner}/${repository}/collaborators/${login}`, z.unknown(), member);
  }
  const secret = await keptSecret(join(dataDir, 'webhook-secret'));
  const cloneToken = await readingToken(url, bot, token);
  const setup = giteaSetup({ url, token, cloneToken, webhookSecrets: [secret] });
  return {
    host: { url, signInLink: () => `${url}/user/login`, stop: async () => undefined },
    setup,
    people,
    tour: giteaTour(url, owner, repository, people),
    async sendTo(slipway) {
      const places = setup.places?.();
      const place = await places?.find(owner);
      if (places !== undefined && place !== undefined)
        await places.saveHook(place, `${slipway.url}/webhooks/gitea`, undefined);
    },
  };
}

/** A token makes another one only where it stands in for a password. */
async function readingToken(url: string, login: string, token: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/users/${login}/tokens`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${login}:${token}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ name: `clone-${randomBytes(6).toString('hex')}`, scopes: ['read:repository'] }),
    signal: AbortSignal.timeout(15_000),
  });
  if (!response.ok) throw new Error(`Making a token of ${login} was answered ${response.status}`);
  return z.object({ sha1: z.string() }).parse(await response.json()).sha1;
}
