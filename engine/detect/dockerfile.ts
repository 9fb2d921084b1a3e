import type { Detector } from './detected-stack.ts';

/**
 * A Dockerfile by itself: its instructions are checked. Building the image takes a builder, which is the
 * administrator's to give: stages run without the rights that it would need.
 */
export const detectDockerfile: Detector = async ({ paths }, folder) => {
  if (!paths.includes(`${folder}Dockerfile`)) return undefined;
  return {
    explanation: 'A Dockerfile; its instructions are checked, the image is not built.',
    stages: {
      dockerfile: {
        kind: 'test',
        image: 'node:24',
        commands: ['npx --yes dockerfile-utils@0 lint Dockerfile'],
      },
    },
  };
};
