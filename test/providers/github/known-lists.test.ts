import { expect, it } from 'vitest';
import { commitFile, git } from '../../app/embedded/git-host/running-host.ts';
import { gitHubWorld } from './world.ts';

it('looks again at what did not change without using up the hourly limit, and sees what did', async () => {
  const requestsPerHour = 40;
  const { host, repository, clone, headSha, tag } = await gitHubWorld({ requestsPerHour });
  const look = async () => [
    await host.openPullRequests(repository),
    (await host.branchHeads(repository)).heads,
    (await host.tagHeads(repository)).heads,
  ];
  await tag('v1');
  const before = await look();
  for (let looks = 0; looks < requestsPerHour; looks += 1) expect(await look()).toEqual(before);
  const next = await commitFile(clone, 'c.txt', 'newer\n', 'More');
  await git(clone, 'push', '--quiet', 'origin', 'topic');
  await tag('v2');
  expect(await look()).toEqual([
    [expect.objectContaining({ headSha: next })],
    expect.arrayContaining([{ branch: 'topic', sha: next }]),
    expect.arrayContaining([
      { tag: 'v1', sha: headSha },
      { tag: 'v2', sha: next },
    ]),
  ]);
});

it('keeps what it read of one repository apart from another', async () => {
  const { host, repository } = await gitHubWorld();
  await host.branchHeads(repository);
  const elsewhere = { ...repository, name: 'gone', id: '4711' };
  await expect(host.branchHeads(elsewhere)).rejects.toMatchObject({ code: 'not-found' });
});
