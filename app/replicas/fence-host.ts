import { EngineError } from '../../engine/ports/errors.ts';
import type { GitHost } from '../../providers/git-host.ts';

/**
 * Lets nothing be asked of the host while `isAllowed` says no: a replica that wakes up late would write what another has
 * long written anew, and nobody would write it right again.
 */
export function fenceHost<Host extends Partial<GitHost>>(host: Host, isAllowed: () => Promise<boolean>): Host {
  return new Proxy(host, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== 'function') return value;
      return async (...words: unknown[]): Promise<unknown> => {
        if (!(await isAllowed())) {
          throw new EngineError({
            code: 'fenced',
            what: 'Asking the Git host',
            why: 'This replica does not lead any more',
            fix: 'The replica that leads does it',
          });
        }
        return Reflect.apply(value, target, words);
      };
    },
  });
}
