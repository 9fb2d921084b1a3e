import { EngineError } from '../engine/ports/errors.ts';
import { bitbucket } from '../providers/bitbucket/setup.ts';
import type { ConnectVariables, GitHostKind, GitHostSetup, Variables } from '../providers/git-host-setup.ts';
import { gitea } from '../providers/gitea/setup.ts';
import { gitHubRegistration } from '../providers/github/app-registration.ts';
import { gitHub } from '../providers/github/setup.ts';
import { gitLab } from '../providers/gitlab/setup.ts';

export { gitHubRegistration };

/** Every kind of Git host there is: a folder of `providers/` and a line here. Each is served at `/webhooks/<provider>`. */
const kinds: readonly GitHostKind[] = [gitHub, gitLab, bitbucket, gitea];

/** The hosts that a command connects. */
export const connectable: readonly string[] = kinds.flatMap(({ provider, connect }) => (connect ? [provider] : []));

/** @throws EngineError `invalid` for a host that is not connected by a command */
export function connectVariables(provider: string): ConnectVariables {
  const found = kinds.find((kind) => kind.provider === provider)?.connect;
  if (found !== undefined) return found;
  throw new EngineError({
    code: 'invalid',
    what: `Connecting ${provider}`,
    why: 'It is not set up by a command',
    fix: `These are: ${connectable.join(', ')}. GitHub is set up by \`slipway setup\``,
  });
}

/** Id and secret of what signs people in there. @throws RangeError where there is no such kind of host */
export function signInVariables(provider: string): readonly [string, string] {
  const found = kinds.find((kind) => kind.provider === provider)?.signIn;
  if (found === undefined) throw new RangeError(`There is no kind of Git host called "${provider}"`);
  return found;
}

/**
 * The Git hosts that the environment names.
 * @throws EngineError `invalid` naming every variable that cannot be used
 */
export function gitHostsFromEnvironment(environment: Variables): readonly GitHostSetup[] {
  const asked = kinds.filter(({ needed }) => needed.some((name) => environment[name] !== undefined));
  const read = asked.map((kind) => kind.setUp(environment));
  const problems = read.flatMap((each) => ('problems' in each ? each.problems : []));
  if (problems.length === 0) return read.flatMap((each) => ('problems' in each ? [] : [each]));
  throw new EngineError({
    code: 'invalid',
    what: 'Reading the settings of the Git hosts',
    why: problems.join('; '),
    fix: 'Correct these environment variables or leave them out',
  });
}

/**
 * One that a page or command stored the settings of, or is about to.
 * @throws EngineError `invalid` naming what is wrong, no value
 */
export function gitHostFromSettings(
  provider: string,
  settings: Variables,
  words: { readonly what: string; readonly fix: string } = {
    what: `Reading the stored settings of ${provider}`,
    fix: 'Set the Git host up again',
  },
): GitHostSetup {
  const made = kinds.find((kind) => kind.provider === provider)?.setUp(settings) ?? {
    problems: [`there is no kind of Git host called "${provider}"`],
  };
  if (!('problems' in made)) return made;
  throw new EngineError({
    code: 'invalid',
    ...words,
    why: made.problems.join('; '),
  });
}
