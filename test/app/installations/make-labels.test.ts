import { expect, it } from 'vitest';
import { z } from 'zod';
import { Installations } from '../../../app/installations/installations.ts';
import { makeLabels } from '../../../app/installations/make-labels.ts';
import { createGitHubHost } from '../../../providers/github/adapter.ts';
import { ask } from '../../providers/contract-repository.ts';
import { testDatabase } from '../embedded/database/test-database.ts';
import { startWorld } from '../embedded/git-host/running-host.ts';

it('makes the labels that Slipway listens to in the repositories of an App, and leaves alone what is there', async () => {
  const { host, app, installationId, repository, annToken } = await startWorld();
  const { database } = testDatabase();
  const installations = new Installations({ database, clock: { now: () => new Date() } });
  await installations.prepare();
  const ref = {
    provider: 'github',
    tenant: `github:${installationId}`,
    id: String(repository.id),
    owner: 'acme',
    name: 'web',
  };
  await installations.saw(ref);
  const { appId, privateKey } = app;
  const gitHub = await createGitHubHost({ appId, privateKey, webhookSecret: 's3cret', baseUrl: host.apiUrl });
  const made = async (only?: string) => {
    const steps = [];
    for await (const step of makeLabels('github', only, { installations, host: gitHub })) steps.push(step);
    return steps;
  };
  const own = { name: 'hold', color: '123456' };
  await ask(`${host.apiUrl}/repos/acme/web/labels`, annToken, { method: 'POST', body: own });
  expect(await made()).toEqual([{ path: 'acme/web', made: ['hotfix', 'skip-deploy'] }]);
  expect(await made('acme/WEB')).toEqual([{ path: 'acme/web', made: [] }]);
  await expect(made('acme/other')).rejects.toMatchObject({ code: 'not-found' });
  const labels = z.array(z.object({ name: z.string(), color: z.string() }));
  expect(labels.parse(await ask(`${host.apiUrl}/repos/acme/web/labels`, annToken))).toContainEqual(own);
});
