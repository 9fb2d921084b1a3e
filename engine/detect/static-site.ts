import type { Detector } from './detected-stack.ts';

/** Pages that need no build: every link and picture within the site must be there. */
export const detectStaticSite: Detector = async ({ paths }, folder) => {
  if (!paths.includes(`${folder}index.html`)) return undefined;
  return {
    explanation: 'A static site; its own links and pictures are checked.',
    stages: {
      links: {
        kind: 'test',
        image: 'node:24',
        // What is elsewhere may be away for a while, which is not this change's fault.
        commands: ["npx --yes linkinator@8 . --recurse --skip '^https?://(?!localhost)'"],
      },
    },
  };
};
