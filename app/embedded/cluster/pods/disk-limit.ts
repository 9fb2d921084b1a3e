import { execFile } from 'node:child_process';
import { parseQuantity } from '../../../../engine/kubernetes/quantity.ts';
import type { Pod } from '../objects/pod.ts';
import type { PodFolder } from './pod-folder.ts';

const kib = 1_024;
const lookWithinMs = 60_000;

interface Limit {
  readonly path: string;
  readonly bytes: number;
  /** In the words of the kubelet, by which callers tell this from a node that ran short. */
  readonly message: string;
}

/** Whether a pod's volumes have limits, or its containers a share of the disk. */
export function hasDiskLimit(pod: Pod, folder: PodFolder): boolean {
  return limitsOf(pod, folder).length > 0;
}

/** What a pod has written past its limits, as the kubelet says it; undefined while it keeps to them. */
export async function diskExcess(pod: Pod, folder: PodFolder): Promise<string | undefined> {
  for (const { path, bytes, message } of limitsOf(pod, folder)) if ((await usedBytes(path)) > bytes) return message;
  return undefined;
}

function limitsOf(pod: Pod, folder: PodFolder): readonly Limit[] {
  const volumes = (pod.spec.volumes ?? []).flatMap(({ name, emptyDir }): Limit[] => {
    const limit = emptyDir?.sizeLimit;
    if (limit === undefined) return [];
    const message = `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `;
    return [{ path: folder.volume(name), bytes: parseQuantity(limit), message }];
  });
  const shares = pod.spec.containers.flatMap(({ resources }) => resources.limits?.['ephemeral-storage'] ?? []);
  if (shares.length === 0) return volumes;
  const bytes = shares.reduce((sum, share) => sum + parseQuantity(share), 0);
  const message = `Pod ephemeral local storage usage exceeds the total limit of containers ${bytes}. `;
  return [...volumes, { path: folder.path, bytes, message }];
}

/** Files come and go while they are counted: `du` then complains, and its sum is right all the same. */
function usedBytes(path: string): Promise<number> {
  return new Promise((resolve) => {
    execFile('du', ['-skx', '--', path], { timeout: lookWithinMs }, (_, out) => {
      const kibibytes = Number.parseInt(out, 10);
      resolve(Number.isNaN(kibibytes) ? 0 : kibibytes * kib);
    });
  });
}
