import type { EngineErrorCode } from '../ports/errors.ts';
import { parseQuantity } from './quantity.ts';

interface Refusal {
  readonly code: EngineErrorCode;
  readonly fix: string;
}

/** What the API server's 403 says, beside a missing right: admission refuses with the same status. First match counts. */
const refusals: readonly (readonly [RegExp, Refusal])[] = [
  [
    /(minimum|maximum) .* usage per|limit to request ratio/,
    {
      code: 'invalid',
      fix: 'Ask for less under `resources` in the pipeline file; an administrator may raise `largestStage`',
    },
  ],
  [
    /violates PodSecurity/,
    { code: 'denied', fix: 'Slipway keeps to "restricted": ask who runs the cluster what else it demands' },
  ],
  [/no PriorityClass with name/, { code: 'unavailable', fix: 'Slipway makes it again' }],
  [/being terminated/, { code: 'unavailable', fix: 'It is made anew once it is gone' }],
  [/serviceaccount .* not found|error looking up service account/, { code: 'unavailable', fix: 'It is tried again' }],
  [
    /failed quota: .* must specify/,
    { code: 'invalid', fix: "Ask an administrator which quota in the namespace is not Slipway's" },
  ],
  [
    /admission webhook .* denied/,
    { code: 'denied', fix: 'Ask who runs the cluster: a rule of theirs refuses the pod' },
  ],
];

/**
 * What a refused pod means and what to do about it.
 * @param why the API server's words
 */
export function refusalOf(why: string): Refusal {
  if (why.includes('exceeded quota')) return quotaRefusal(why);
  return (
    refusals.find(([pattern]) => pattern.test(why))?.[1] ?? {
      code: 'denied',
      fix: "Give Slipway's service account the right",
    }
  );
}

/** A full quota gets room when another pod ends; one that is too small for the stage alone never has. */
function quotaRefusal(why: string): Refusal {
  const requested = amounts(/requested: ([^ ]*)/.exec(why)?.[1]);
  const limited = amounts(/limited: ([^ ]*)/.exec(why)?.[1]);
  const tooMuch = [...requested].find(([name, amount]) => amount > (limited.get(name) ?? Number.POSITIVE_INFINITY));
  return tooMuch === undefined
    ? {
        code: 'exhausted',
        fix: 'It goes on when another stage of this tenant ends; an administrator may raise `quota`',
      }
    : {
        code: 'invalid',
        fix: `The stage alone asks for more ${tooMuch[0]} than the whole quota: ask for less under \`resources\`, or let an administrator raise \`quota\``,
      };
}

/** `pods=1,requests.cpu=2` as numbers. */
function amounts(text: string | undefined): ReadonlyMap<string, number> {
  return new Map(
    (text ?? '').split(',').flatMap((pair): [string, number][] => {
      const [name, quantity] = pair.split('=');
      return name === undefined || quantity === undefined ? [] : [[name, parseQuantity(quantity)]];
    }),
  );
}
