import { expect, it } from 'vitest';
import { gitHostsFromEnvironment } from '../../app/git-hosts.ts';

const gitlab = {
  GITLAB_TOKEN: 'one',
  GITLAB_CLONE_TOKEN: 'two',
  GITLAB_WEBHOOK_SECRET: 'new-secret-of-16 old-secret-of-16',
};

const bitbucket = {
  BITBUCKET_EMAIL: 'bot@example.com',
  BITBUCKET_TOKEN: 'one',
  BITBUCKET_CLONE_TOKEN: 'two',
  BITBUCKET_WEBHOOK_SECRET: 'secret-of-16-characters',
};

async function cloneUrl(environment: Readonly<Record<string, string>>): Promise<string | undefined> {
  const host = await gitHostsFromEnvironment(environment)[0]?.createHost();
  const repository = { provider: 'gitlab', tenant: 'gitlab:acme', id: '1', owner: 'acme', name: 'web' };
  return (await host?.cloneAccess(repository))?.url;
}

it('sets up the hosts that the environment names, and no others', () => {
  expect(gitHostsFromEnvironment({})).toEqual([]);
  expect(gitHostsFromEnvironment(gitlab).map(({ provider }) => provider)).toEqual(['gitlab']);
  const all = {
    ...gitlab,
    ...bitbucket,
    GITHUB_APP_ID: '1',
    GITHUB_PRIVATE_KEY: 'key',
    GITHUB_WEBHOOK_SECRET: 'secret',
  };
  expect(gitHostsFromEnvironment(all).map(({ provider }) => provider)).toEqual(['github', 'gitlab', 'bitbucket']);
});

it('takes GitLab.com unless told otherwise', async () => {
  expect(await cloneUrl(gitlab)).toBe('https://gitlab.com/acme/web.git');
  expect(await cloneUrl({ ...gitlab, GITLAB_URL: 'https://git.example/gitlab' })).toBe(
    'https://git.example/gitlab/acme/web.git',
  );
});

it('takes Bitbucket Cloud unless told otherwise', async () => {
  expect(await cloneUrl(bitbucket)).toBe('https://bitbucket.org/acme/web.git');
  expect(() => gitHostsFromEnvironment({ ...bitbucket, BITBUCKET_EMAIL: 'bot' })).toThrow('BITBUCKET_EMAIL');
});

it('takes every secret in use, apart by spaces', async () => {
  const source = gitHostsFromEnvironment(gitlab)[0]?.webhooks(() => new Date());
  for (const token of ['new-secret-of-16', 'old-secret-of-16']) {
    expect(await source?.isGenuine('{}', (name) => (name === 'x-gitlab-token' ? token : undefined))).toBe(true);
  }
});

it.each(Object.keys(gitlab))('names %s when it alone is missing', (missing) => {
  const { [missing as keyof typeof gitlab]: _, ...rest } = gitlab; // a key of it by Object.keys
  expect(() => gitHostsFromEnvironment(rest)).toThrow(
    `${missing}: ${Object.keys(rest).join(' and ')} alone is not enough`,
  );
});

it('names all that is wrong at once, and takes no address that is no web address', () => {
  const wrong = { ...gitlab, GITLAB_URL: 'ftp://git.example', GITHUB_APP_ID: '1' };
  expect(() => gitHostsFromEnvironment(wrong)).toThrow(/GITHUB_PRIVATE_KEY: GITHUB_APP_ID alone .*GITLAB_URL: /);
});

const gitHubApp = { GITHUB_APP_ID: '1', GITHUB_PRIVATE_KEY: 'key', GITHUB_WEBHOOK_SECRET: 'secret' };

it.each([
  ['GitHub', 'https://github.com/login/oauth/authorize', 'GITHUB', gitHubApp, null],
  [
    'an Enterprise Server',
    'https://git.example/login/oauth/authorize',
    'GITHUB',
    { ...gitHubApp, GITHUB_API_URL: 'https://git.example/api/v3' },
    null,
  ],
  [
    'GitHub with data residency',
    'https://acme.ghe.com/login/oauth/authorize',
    'GITHUB',
    { ...gitHubApp, GITHUB_API_URL: 'https://api.acme.ghe.com' },
    null,
  ],
  ['GitLab', 'https://gitlab.com/oauth/authorize', 'GITLAB', gitlab, 'read_user'],
  ['Bitbucket', 'https://bitbucket.org/site/oauth2/authorize', 'BITBUCKET', bitbucket, null],
  [
    'Gitea',
    'https://git.example/login/oauth/authorize',
    'GITEA',
    {
      GITEA_URL: 'https://git.example',
      GITEA_TOKEN: 'a',
      GITEA_CLONE_TOKEN: 'b',
      GITEA_WEBHOOK_SECRET: 'c'.repeat(16),
    },
    'read:user',
  ],
] as const)(
  'signs people in at %s where it has both an id and a secret for that',
  async (_, at, prefix, rest, scope) => {
    expect(gitHostsFromEnvironment(rest)[0]?.signIn).toBeUndefined();
    const id = { [`${prefix}_CLIENT_ID`]: 'the-id' };
    expect(() => gitHostsFromEnvironment({ ...rest, ...id })).toThrow(`${prefix}_CLIENT_SECRET: one of them alone`);
    const [setup] = gitHostsFromEnvironment({ ...rest, ...id, [`${prefix}_CLIENT_SECRET`]: 'the-secret' });
    const way = { state: 'the-state', redirectUrl: 'https://slipway.example/done', verifier: 'v'.repeat(43) };
    const url = new URL((await setup?.signIn?.begin(way)) ?? '');
    expect(`${url.origin}${url.pathname}`).toBe(at);
    expect(url.searchParams.get('client_id')).toBe('the-id');
    expect(url.searchParams.get('redirect_uri')).toBe(way.redirectUrl);
    expect(url.searchParams.get('state')).toBe('the-state');
    expect(url.searchParams.get('scope')).toBe(scope);
    expect(url.href).not.toMatch(/the-secret|vvvv/);
  },
);
