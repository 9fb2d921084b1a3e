import { z } from 'zod';
import type { RepositoryRef } from '../../engine/core/trigger.ts';
import type { GitHost } from '../../providers/git-host.ts';
import { GitHostError } from '../../providers/git-host-error.ts';

const repositorySchema = z.object({ tenant: z.string(), id: z.string(), owner: z.string(), name: z.string() });

/**
 * The host, which is not even asked where the installation was suspended or removed, or the repository taken away. It
 * stands before every call alike, so that no caller can forget it.
 * @param whyNot why nothing may be done with a repository
 */
export function guardHost(
  host: GitHost,
  whyNot: (repository: Pick<RepositoryRef, 'tenant' | 'id'>) => string | undefined,
): GitHost {
  return new Proxy(host, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...given: readonly unknown[]): unknown => {
        const repository = repositorySchema.safeParse(given[0]);
        const why = repository.success ? whyNot(repository.data) : undefined;
        if (why === undefined) return Reflect.apply(member, target, given);
        return Promise.reject(
          new GitHostError({
            code: 'denied',
            what: `Working with ${repository.data?.owner}/${repository.data?.name}`,
            why,
            fix: 'Install Slipway there again, or end the suspension',
          }),
        );
      };
    },
  });
}
