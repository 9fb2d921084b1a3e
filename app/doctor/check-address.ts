import { z } from 'zod';
import { jsonIn } from '../../engine/json-in.ts';
import { whyUnanswered } from '../../engine/unanswered.ts';
import type { Check, Finding } from './finding.ts';

const subject = 'public address';
const timeoutMs = 10_000;
const maxAnswerChars = 10_000;
const Health = z.object({ status: z.literal('alive') });

/** Whether Slipway answers where Git hosts and people are told to find it. */
export function checkAddress(parts: {
  readonly url: string;
  /** A Git host that is not on this machine has to send something there. */
  readonly isFarHost: boolean;
}): Check {
  const { url, isFarHost } = parts;
  return {
    subject,
    async run(): Promise<readonly Finding[]> {
      const answer = await asked(`${url}/healthz`);
      if (answer === undefined) {
        return url.startsWith('https:') || !isFarHost
          ? [{ subject, state: 'well', what: `Slipway answers at ${url}` }]
          : [
              {
                subject,
                state: 'broken',
                what: `Slipway answers at ${url} alone`,
                why: 'A Git host elsewhere cannot send anything there',
                fix: 'Set SLIPWAY_PUBLIC_URL to the address at which Git hosts reach Slipway, and start it again',
              },
            ];
      }
      return [
        {
          subject,
          state: 'broken',
          what: `Slipway does not answer at ${url}`,
          why: answer,
          fix: 'Correct SLIPWAY_PUBLIC_URL, or what leads from there to Slipway: name server, certificate, proxy. Where this machine alone cannot reach it, look from another one',
        },
      ];
    },
  };
}

/** Undefined where it is Slipway that answers, else why not. */
async function asked(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
    const text = (await response.text()).slice(0, maxAnswerChars);
    if (response.ok && Health.safeParse(jsonIn(text)).success) return undefined;
    return `What answers there is not Slipway: status ${response.status}`;
  } catch (error) {
    return whyUnanswered(error);
  }
}
