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
