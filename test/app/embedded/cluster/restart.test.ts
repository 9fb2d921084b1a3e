import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { podOf, until } from '../../../contract/cluster-access.ts';
import { KillableCluster } from './killable-cluster.ts';

const killable = new KillableCluster();
afterAll(() => killable.close());

it('takes over its pods after kill -9: those that run, and those that ended meanwhile', {
  timeout: 60_000,
}, async () => {
  const access = await killable.start();
  const count = 'for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.25; done';
  await access.create(podOf('counts', count));
  await access.create(podOf('ends', 'sleep 0.3; echo ended; exit 4'));
  await access.create(
    podOf('stays', 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.05; done', {
      terminationGracePeriodSeconds: 20,
    }),
  );
  await until(
    () => access.log('stays').catch(() => ''),
    (log) => log === 'up\n',
  );
  const before = await access.running('counts');
  await killable.kill('SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 600));

  const again = await killable.start();
  const ended = await again.ended('ends');
  expect(ended.status?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(4);
  const counted = await again.ended('counts');
  expect(counted.metadata?.uid).toBe(before.metadata?.uid);
  expect(counted.status?.phase).toBe('Succeeded');
  expect(counted.status?.containerStatuses?.[0]?.restartCount).toBe(0);
  expect(await again.log('counts')).toBe('1\n2\n3\n4\n5\n6\n7\n8\n');
  expect(Number(counted.metadata?.resourceVersion)).toBeGreaterThan(Number(before.metadata?.resourceVersion));
  await again.core.deleteNamespacedPod({ namespace: 'default', name: 'stays' });
  await again.gone('stays');
});

it('marks a pod failed when the process beside it was killed, and ends what it left', { timeout: 60_000 }, async () => {
  await killable.kill('SIGTERM');
  const access = await killable.start();
  const pod = await access.create(podOf('orphaned', 'setsid sleep 321 & sleep 322'));
  await access.running('orphaned');
  const folder = join(killable.dataDir, 'pods', pod.metadata?.uid ?? '');
  const handed: { pid: number } = JSON.parse(readFileSync(join(folder, 'handed.json'), 'utf8'));
  process.kill(handed.pid, 'SIGKILL');
  const failed = await access.ended('orphaned');
  expect(failed.status).toMatchObject({ phase: 'Failed', reason: 'ShimLost' });
  await until(
    async () => commandsRunning(pod.metadata?.uid ?? ''),
    (left) => left === 0,
  );
});

it('leaves the processes of pods deleted without grace to nobody', { timeout: 60_000 }, async () => {
  await killable.kill('SIGTERM');
  const access = await killable.start();
  const pod = await access.create(podOf('brief', 'trap "" TERM; setsid sleep 323 & sleep 324'));
  const uid = pod.metadata?.uid ?? '';
  await access.running('brief');
  await access.core.deleteNamespacedPod({ namespace: 'default', name: 'brief', gracePeriodSeconds: 0 });
  await killable.kill('SIGKILL');
  const again = await killable.start();
  await again.gone('brief');
  await until(
    async () => commandsRunning(uid),
    (left) => left === 0,
  );
  await until(
    async () => existsSync(join(killable.dataDir, 'pods', uid)),
    (isThere) => !isThere,
  );
});

/** How many processes carry a pod's mark. */
function commandsRunning(uid: string): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/environ`).includes(uid);
    } catch {
      return false;
    }
  }).length;
}
