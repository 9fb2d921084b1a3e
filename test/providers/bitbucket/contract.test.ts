import { gitHostContract } from '../../contract/git-host.ts';
import { bitbucketWorld } from './world.ts';

gitHostContract("Bitbucket adapter against the embedded host's Bitbucket face", bitbucketWorld);
