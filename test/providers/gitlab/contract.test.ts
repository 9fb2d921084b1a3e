import { gitHostContract } from '../../contract/git-host.ts';
import { gitLabFaceWorld } from './face-world.ts';

gitHostContract("GitLab adapter against the embedded host's GitLab face", gitLabFaceWorld);
