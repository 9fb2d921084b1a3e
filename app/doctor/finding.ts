import { reportOf } from '../error-report.ts';

/** What was looked at, and how it is. */
export interface Finding {
  /** `cluster`, `gitlab acme`: findings of one subject stand together. */
  readonly subject: string;
  /** `broken`: something does not work. `warning`: it works, and may not for long. */
  readonly state: 'well' | 'warning' | 'broken';
  readonly what: string;
  readonly why?: string;
  /** How to put it right. */
  readonly fix?: string;
}

/** One part of an examination. What it throws becomes a finding, so that one part hides no other. */
export interface Check {
  readonly subject: string;
  run(): AsyncIterable<Finding> | Promise<readonly Finding[]>;
}

const defaultFix = 'See the log of Slipway';

/** Runs them one after the other, and tells what each finds as it finds it. */
export async function* examine(checks: readonly Check[]): AsyncGenerator<Finding> {
  for (const { subject, run } of checks) {
    try {
      yield* await run();
    } catch (error) {
      const { message, fix } = reportOf(error);
      yield {
        subject,
        state: 'broken',
        what: 'It could not be looked at to the end',
        why: message,
        fix: fix ?? defaultFix,
      };
    }
  }
}
