import type { GitHost } from '../../providers/git-host.ts';

/** What came while nobody listened: each host is asked to send it again, whatever becomes of the others. */
export async function redeliverMissed(
  hosts: readonly Pick<GitHost, 'redeliverMissed'>[],
  onError: (error: unknown) => void,
): Promise<void> {
  for (const host of hosts) await host.redeliverMissed().catch(onError);
}
