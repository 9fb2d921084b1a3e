import type { KubeConfig } from '@kubernetes/client-node';
import { EngineError } from '../ports/errors.ts';

/**
 * Lets no request out while `isAllowed` says no: a replica that wakes up late must not touch pods that another drives
 * by now. Each request asks for credentials first, and that is where it is stopped.
 */
export function fence(config: KubeConfig, isAllowed: () => Promise<boolean>): KubeConfig {
  const apply = config.applySecurityAuthentication.bind(config);
  config.applySecurityAuthentication = async (context) => {
    if (!(await isAllowed())) {
      throw new EngineError({
        code: 'fenced',
        what: 'Asking the cluster',
        why: 'This replica does not lead any more',
        fix: 'The replica that leads does it',
      });
    }
    await apply(context);
  };
  return config;
}
