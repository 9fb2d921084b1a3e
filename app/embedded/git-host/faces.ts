import { bitbucketFace } from './bitbucket/face.ts';
import type { Face, FaceName } from './face.ts';
import { gitHubFace } from './github/face.ts';
import { gitLabFace } from './gitlab/face.ts';

export const faces: Readonly<Record<FaceName, Face>> = {
  github: gitHubFace,
  gitlab: gitLabFace,
  bitbucket: bitbucketFace,
};
