import { afterAll, beforeAll, describe } from 'vitest';
import { gitHostContract } from '../../contract/git-host.ts';
import { type RealGitea, realGitea, withoutGitea } from './real-gitea.ts';
import { type GiteaOrganization, giteaOrganization, giteaWorld } from './world.ts';

describe.skipIf(withoutGitea !== undefined)(
  `on a real Gitea${withoutGitea === undefined ? '' : ` (skipped: ${withoutGitea})`}`,
  () => {
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
  },
);
