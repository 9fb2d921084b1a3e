import type { ResourceName } from './status-error.ts';
import { StatusError } from './status-error.ts';

const reasons: Readonly<Record<string, { readonly what: string; readonly instead: string }>> = {
  'pods/exec': {
    what: 'running a command in a pod',
    instead: "a pod's containers are processes of this machine; find them with `ps`",
  },
  'pods/attach': {
    what: 'attaching to a pod',
    instead: 'follow its output with `kubectl logs -f`',
  },
  'pods/portforward': {
    what: 'forwarding a port',
    instead: 'a Service is reachable at 127.0.0.1 on its node port, which `kubectl get services` shows after the colon',
  },
  'pods/ephemeralcontainers': {
    what: 'a debug container',
    instead: 'start a pod of its own with `kubectl run`',
  },
};

/** What a person asks of Kubernetes that the embedded cluster has not got, and what to do instead. */
export function notServed({ plural }: ResourceName, subresource: string): StatusError | undefined {
  const known = reasons[`${plural}/${subresource}`];
  if (known === undefined) return undefined;
  return new StatusError(
    501,
    'NotImplemented',
    `${known.what} is not served by the embedded cluster, whose pods are local processes; instead: ${known.instead}`,
    {},
  );
}
