import { gitHostContract } from '../../contract/git-host.ts';
import { gitLabWorld } from './world.ts';

gitHostContract('GitLab adapter against a constructed GitLab', gitLabWorld);
