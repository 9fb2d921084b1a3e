/** Why a pod cannot start for now; it is tried again. `reason` is what Kubernetes shows for it. */
export class PodFault extends Error {
  readonly reason: 'CreateContainerConfigError' | 'FailedMount';

  constructor(reason: PodFault['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}
