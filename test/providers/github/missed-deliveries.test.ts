import { expect, it } from 'vitest';
import { createGitHubHost } from '../../../providers/github/adapter.ts';
import { commitFile, git, startWorld } from '../../app/embedded/git-host/running-host.ts';

it('has what never arrived sent again, until it arrives or was refused often enough', async () => {
  const world = await startWorld();
  const { app, host: embedded, receiver, clone } = world;
  const host = await createGitHubHost({
    appId: app.appId,
    privateKey: app.privateKey,
    webhookSecret: 's3cret',
    baseUrl: embedded.apiUrl,
  });
  await embedded.webhooksSent();
  const begun = receiver.received.length;
  receiver.answerWith(500);
  await commitFile(clone, 'a.txt', 'one\n', 'Start');
  await git(clone, 'push', '--quiet', 'origin', 'main');
  await embedded.webhooksSent();
  const sent = receiver.received.slice(begun).length;
  expect(sent).toBeGreaterThan(0);
  expect(await host.redeliverMissed()).toBe(sent);
  await embedded.webhooksSent();
  receiver.answerWith(202);
  expect(await host.redeliverMissed()).toBe(sent);
  await embedded.webhooksSent();
  expect(await host.redeliverMissed()).toBe(0);

  receiver.answerWith(400);
  await commitFile(clone, 'a.txt', 'two\n', 'Again');
  await git(clone, 'push', '--quiet', 'origin', 'main');
  const asked: number[] = [];
  for (let times = 0; times < 6; times += 1) {
    await embedded.webhooksSent();
    asked.push(await host.redeliverMissed());
  }
  expect(asked.map((count) => count > 0)).toEqual([true, true, true, false, false, false]);
});
