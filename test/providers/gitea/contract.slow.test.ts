import { afterAll, beforeAll, describe, it } from 'vitest';
import { gitHostContract } from '../../contract/git-host.ts';
import { type RealGitea, realGitea, withoutGitea } from './real-gitea.ts';
import { type GiteaOrganization, giteaOrganization, giteaWorld } from './world.ts';

if (withoutGitea !== undefined) {
  it.skip(`Git host contract: a real Gitea (${withoutGitea})`, () => undefined);
} else {
  describe('on a real Gitea', () => {
    let gitea: RealGitea;
    let organization: GiteaOrganization;
    let made = 0;
    beforeAll(async () => {
      gitea = await realGitea();
      organization = await giteaOrganization(gitea, `contract-${Date.now()}`);
    });
    afterAll(() => gitea.stop());

    gitHostContract('Gitea adapter', () => {
      made += 1;
      return giteaWorld(gitea, organization, `web-${made}`);
    });
  });
}
