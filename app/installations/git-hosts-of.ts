import type { Logger } from 'pino';
import { systemClock } from '../../engine/ports/clock.ts';
import type { Database } from '../../engine/ports/database.ts';
import type { Config } from '../config.ts';
import { gitHostFromSettings } from '../git-hosts.ts';
import { GitHostsInUse } from './git-hosts-in-use.ts';
import { guardHost } from './guard-host.ts';
import type { Installations } from './installations.ts';
import { sealerOf } from './sealing.ts';
import { StoredGitHosts } from './stored-git-hosts.ts';

/** The Git hosts of the settings and of the database, ready for use. @throws EngineError for a key that cannot be used */
export async function gitHostsOf(
  config: Config,
  parts: { readonly database: Database; readonly installations: Installations; readonly log: Logger },
): Promise<{ readonly inUse: GitHostsInUse; readonly stored: StoredGitHosts }> {
  const { database, installations, log } = parts;
  const sealer = config.encryptionKeys === undefined ? undefined : await sealerOf(config.encryptionKeys);
  const stored = new StoredGitHosts({ database, sealer, clock: systemClock });
  const inUse = new GitHostsInUse({
    fixed: config.gitHosts,
    stored,
    setUp: gitHostFromSettings,
    guard: (host) => guardHost(host, (repository) => installations.whyNot(repository)),
    now: systemClock.now,
    log,
  });
  await inUse.prepare();
  return { inUse, stored };
}
