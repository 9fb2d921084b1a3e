import type { GitHostSetup } from '../../providers/git-host-setup.ts';
import type { Check } from './finding.ts';

/** Whether people may sign in to the pages of runs by their account there. */
export function checkSignIn(parts: {
  readonly provider: string;
  readonly setup: GitHostSetup;
  /** Id and secret of what signs them in. */
  readonly variables: readonly [string, string];
  /** Where the host sends browsers back to. */
  readonly address: string;
}): Check {
  const { provider: subject, setup, variables, address } = parts;
  return {
    subject,
    run: async () => [
      setup.signIn === undefined
        ? {
            subject,
            state: 'warning',
            what: 'Nobody can sign in to the pages of runs by their account there',
            why: `${variables.join(' and ')} are not set; whoever runs Slipway still opens them by \`slipway open\``,
            fix: `Register Slipway there for signing people in, with the address ${address}: docs/hosts says how`,
          }
        : { subject, state: 'well', what: `People sign in by their account; it has to know the address ${address}` },
    ],
  };
}
