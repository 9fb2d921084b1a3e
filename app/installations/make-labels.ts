import { EngineError } from '../../engine/ports/errors.ts';
import type { GitHost } from '../../providers/git-host.ts';
import { GitHostError } from '../../providers/git-host-error.ts';
import type { Installations } from './installations.ts';
import { slipwayLabels } from './labels.ts';
import { patiently } from './patience.ts';

/** What came of one repository. */
export interface LabelStep {
  readonly path: string;
  /** Names of those that were not there yet. */
  readonly made: readonly string[];
  /** Why none could be made. */
  readonly refused?: string;
}

/**
 * Makes the labels that Slipway listens to in all repositories that it works in at a host; what is there stays.
 * @param only `owner/name` of one repository
 * @throws EngineError `invalid` where the host has no labels, `not-found` where it is not set up or knows no such repository
 */
export async function* makeLabels(
  provider: string,
  only: string | undefined,
  parts: {
    readonly installations: Installations;
    /** Undefined where it is not set up. */
    readonly host: GitHost | undefined;
  },
): AsyncGenerator<LabelStep> {
  const { installations, host } = parts;
  if (host === undefined) {
    throw new EngineError({
      code: 'not-found',
      what: `Making labels on ${provider}`,
      why: 'It is not set up',
      fix: provider === 'github' ? '`slipway setup` does it' : `\`slipway connect ${provider} ...\` does it`,
    });
  }
  if (!host.capabilities.labels) {
    throw new EngineError({
      code: 'invalid',
      what: `Making labels on ${provider}`,
      why: 'This host has none',
      fix: 'Use the commands in their place: `/hotfix`, `/hold`',
    });
  }
  const tenants = (await installations.all()).filter((each) => each.provider === provider && each.state === 'active');
  const known = (await Promise.all(tenants.map(({ tenant }) => installations.repositoriesOf(tenant)))).flat();
  const repositories = known.filter(
    ({ owner, name, isGone }) =>
      !isGone && (only === undefined || `${owner}/${name}`.toLowerCase() === only.toLowerCase()),
  );
  if (repositories.length === 0) {
    throw new EngineError({
      code: 'not-found',
      what: `Making labels on ${provider}`,
      why: only === undefined ? 'No repository is known there' : `${only} is not known there`,
      fix: '`slipway doctor` says which are seen',
    });
  }
  for (const { isGone: _, ...repository } of repositories) {
    const path = `${repository.owner}/${repository.name}`;
    try {
      yield { path, made: await patiently(() => host.ensureLabels(repository, slipwayLabels)) };
    } catch (error) {
      if (!(error instanceof GitHostError) || error.isTransient) throw error;
      yield { path, made: [], refused: `${error.why}. ${error.fix}` };
    }
  }
}
