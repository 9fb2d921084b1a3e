import { expect, it } from 'vitest';
import { gitLabFromEnvironment } from '../../app/cli/settings.ts';
import { readEnvironment } from '../../app/config.ts';

const gitlab = { GITLAB_TOKEN: 'one', GITLAB_CLONE_TOKEN: 'two', GITLAB_WEBHOOK_SECRET: 'new-secret old-secret' };

it('takes GitLab from the environment, GitLab.com unless told otherwise', () => {
  expect(gitLabFromEnvironment(readEnvironment(gitlab))).toEqual({
    url: 'https://gitlab.com',
    token: 'one',
    cloneToken: 'two',
    webhookSecrets: ['new-secret', 'old-secret'],
  });
  const own = readEnvironment({ ...gitlab, GITLAB_URL: 'https://git.example/gitlab' });
  expect(gitLabFromEnvironment(own)?.url).toBe('https://git.example/gitlab');
  expect(gitLabFromEnvironment(readEnvironment({}))).toBeUndefined();
});

it.each(Object.keys(gitlab))('names %s when it alone is missing', (missing) => {
  const { [missing as keyof typeof gitlab]: _, ...rest } = gitlab; // a key of it by Object.keys
  expect(() => readEnvironment(rest)).toThrow(`${missing}: ${Object.keys(rest).join(' and ')} alone is not enough`);
});

it('does not take an address that is no web address', () => {
  expect(() => readEnvironment({ ...gitlab, GITLAB_URL: 'ftp://git.example' })).toThrow('GITLAB_URL');
});
