import { gitHostContract } from '../../contract/git-host.ts';
import { gitHubWorld } from './world.ts';

gitHostContract('GitHub adapter against the embedded Git host', gitHubWorld);
