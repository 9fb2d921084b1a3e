import { expect, it } from 'vitest';
import { Sha } from '../../../engine/core/trigger.ts';
import { GitHostError } from '../../../providers/git-host-error.ts';
import { gitHubShape, hostShapes } from '../../providers/host-shapes.ts';
import { listeningSlipway, MovingHost } from '../moving-host.ts';

const minute = 60_000;
const pace = { everyMs: 10 * minute, againMs: minute, perTenant: 1 };

/** A repository that Slipway has heard of and looked at once. */
async function world() {
  const host = new MovingHost(gitHubShape);
  const slipway = await listeningSlipway(host, pace);
  await slipway.deliver(host.push('main'));
  await slipway.sweep();
  /** Looks as often as the time asks for. */
  const sweepFor = async (minutes: number) => {
    let found = 0;
    for (let passed = 0; passed < minutes; passed += 0.5) {
      slipway.passMs(minute / 2);
      found += await slipway.sweep();
    }
    return found;
  };
  return { host, slipway, sweepFor };
}

it('finds a push, a pull request and its end that no delivery told', async () => {
  const { host, slipway, sweepFor } = await world();
  host.push('main');
  host.push('new-branch');
  host.open(1);
  await slipway.deliver(host.open(2));
  host.close(2, 'closed');
  expect(await sweepFor(12)).toBe(4);
  expect(Object.fromEntries(slipway.last)).toEqual(host.standing());
  expect(await sweepFor(30)).toBe(0);
});

it('finds one pull request again that moved again untold within minutes', async () => {
  const { host, slipway, sweepFor } = await world();
  await slipway.deliver(host.open(1));
  host.commit(1);
  while ((await sweepFor(0.5)) === 0);
  host.retarget(1, 'release');
  expect(await sweepFor(12)).toBe(1);
  expect(Object.fromEntries(slipway.last)).toEqual(host.standing());
});

it('finds a tag that no delivery told, once, and takes one that is told after all for the same', async () => {
  const { host, slipway, sweepFor } = await world();
  const made = host.tag('v1');
  expect(await sweepFor(12)).toBe(1);
  const begun = [`tag v1 ${host.standing()['tag v1']}`];
  expect(slipway.begun.slice(1)).toEqual(begun);
  await slipway.deliver(made);
  expect(await sweepFor(30)).toBe(0);
  expect(slipway.begun.slice(1)).toEqual(begun);
  host.tag('v1');
  expect(await sweepFor(12)).toBe(1);
  expect(slipway.last.get('tag v1')).toBe(host.standing()['tag v1']);
});

it.each(hostShapes)(
  'runs a tag of $provider again that was deleted and made again at the same commit',
  async (shape) => {
    const host = new MovingHost(shape);
    const slipway = await listeningSlipway(host, pace);
    const made = host.tag('v1');
    await slipway.deliver(made);
    const sha = Sha(host.standing()['tag v1'] ?? '');
    await slipway.deliver(host.deleteTag('v1'));
    // The first one once more, under another id, while the tag is gone.
    await slipway.deliver({ ...made, id: 'again' });
    expect(slipway.begun).toEqual([`tag v1 ${sha}`]);
    const anew = host.tag('v1', sha);
    await slipway.deliver(anew);
    slipway.passMs(20 * minute);
    await slipway.deliver({ ...anew, id: 'anew-again' });
    expect(slipway.begun).toEqual([`tag v1 ${sha}`, `tag v1 ${sha}`]);
    expect(slipway.errors).toEqual([]);
  },
);

it('finds a tag that was made again untold after its deletion was told', async () => {
  const { host, slipway, sweepFor } = await world();
  await slipway.deliver(host.tag('v1'));
  const sha = Sha(host.standing()['tag v1'] ?? '');
  await slipway.deliver(host.deleteTag('v1'));
  host.tag('v1', sha);
  expect(await sweepFor(12)).toBe(1);
  expect(slipway.begun.slice(1)).toEqual([`tag v1 ${sha}`, `tag v1 ${sha}`]);
});

it('runs a tag that was moved for where it stands, whatever order its deliveries come in', async () => {
  const { host, slipway } = await world();
  const made = [host.tag('latest'), host.tag('latest'), host.tag('latest')];
  for (const delivery of made.reverse()) await slipway.deliver(delivery);
  expect(slipway.begun.slice(1)).toEqual([`tag latest ${host.standing()['tag latest']}`]);
});

it('runs nothing for an old tag that comes into a list that the host cuts, and finds a new one in it', async () => {
  const host = new MovingHost(gitHubShape);
  const slipway = await listeningSlipway(host, pace);
  host.maxTags = 3;
  for (const tag of ['v1', 'v2', 'v4', 'v5', 'v6']) host.tag(tag);
  await slipway.deliver(host.push('main'));
  await slipway.sweep();
  host.deleteTag('v2');
  for (let look = 0; look < 60; look += 1) {
    slipway.passMs(minute / 2);
    expect(await slipway.sweep()).toBe(0);
  }
  host.tag('v3');
  for (let look = 0; look < 60; look += 1) {
    slipway.passMs(minute / 2);
    await slipway.sweep();
  }
  expect(slipway.begun.slice(1)).toEqual([`tag v3 ${host.standing()['tag v3']}`]);
});

it('runs nothing for what was there before Slipway was', async () => {
  const host = new MovingHost(gitHubShape);
  const slipway = await listeningSlipway(host, pace);
  for (const branch of ['main', 'old', 'older']) host.push(branch);
  for (const tag of ['v1', 'v2']) host.tag(tag);
  host.open(1);
  await slipway.deliver(host.push('main'));
  for (let look = 0; look < 60; look += 1) {
    slipway.passMs(minute / 2);
    expect(await slipway.sweep()).toBe(0);
  }
  expect(slipway.begun).toHaveLength(1);
  await slipway.deliver(host.commit(1));
  expect(slipway.begun).toHaveLength(2);
});

it('leaves a delivery the time to come, and takes one that comes after all for the same event', async () => {
  const { host, slipway, sweepFor } = await world();
  const [late, later] = [host.push('main'), host.open(1)];
  slipway.passMs(10 * minute);
  expect(await slipway.sweep()).toBe(0);
  await slipway.deliver(late);
  slipway.passMs(minute);
  expect(await slipway.sweep()).toBe(1);
  await slipway.deliver(later);
  expect(await sweepFor(30)).toBe(0);
  expect(new Set(slipway.begun).size).toBe(slipway.begun.length);
});

it('starts nothing for a push that a newer one overtook, and runs a force-push there and back again', async () => {
  const { host, slipway } = await world();
  const [one, two] = [host.push('main'), host.push('main')];
  await slipway.deliver(two);
  await slipway.deliver(one);
  expect(slipway.begun).toHaveLength(2);
  const [before, after] = [slipway.begun[1]?.split(' ')[2], host.push('main')];
  await slipway.deliver(after);
  await slipway.deliver(host.push('main', before as Parameters<MovingHost['push']>[1]));
  expect(slipway.begun).toHaveLength(4);
  expect(slipway.begun[3]).toBe(slipway.begun[1]);
});

it('runs a pull request for where it stands, once, whatever order its deliveries come in', async () => {
  const { host, slipway } = await world();
  const made = [host.open(1), host.commit(1), host.commit(1), host.retarget(1, 'release')];
  for (const delivery of made.reverse()) await slipway.deliver(delivery);
  expect(slipway.begun.slice(1)).toEqual([`pull request 1 ${host.standing()['pull request 1']}`]);
  const ended = host.close(1, 'merged');
  await slipway.deliver(ended);
  expect(slipway.last.get('pull request 1')).toBe('over');
});

it('leaves a tenant alone whose host says "slow down", for as long as it says', async () => {
  const { host, slipway } = await world();
  const facts = {
    code: 'rate-limited' as const,
    what: 'Listing',
    why: 'Too many',
    fix: 'Wait',
    retryAfterMs: 30 * minute,
  };
  host.fault = new GitHostError(facts);
  slipway.passMs(10 * minute);
  await slipway.sweep();
  const { asked } = host;
  for (let passed = 0; passed < 29; passed += 1) {
    slipway.passMs(minute);
    await slipway.sweep();
  }
  expect(host.asked).toBe(asked);
  host.fault = undefined;
  host.push('main');
  for (let passed = 0; passed < 4; passed += 1) {
    slipway.passMs(minute);
    await slipway.sweep();
  }
  expect(Object.fromEntries(slipway.last)).toEqual(host.standing());
  expect(slipway.errors).toEqual([]);
});
