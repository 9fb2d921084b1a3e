import type { Label } from '../../providers/git-host.ts';

/** The labels of a pull request that Slipway listens to. */
export const slipwayLabels: readonly Label[] = [
  { name: 'hotfix', color: 'b60205', description: 'Slipway: this goes ahead of all that waits' },
  { name: 'hold', color: 'fbca04', description: 'Slipway: nothing is deployed from here until this is taken off' },
  { name: 'skip-deploy', color: 'c5def5', description: 'Slipway: merging this deploys nothing' },
];
