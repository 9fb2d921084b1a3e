import { describe, expect, it } from 'vitest';
import { renderComment } from '../../../checks/comment.ts';
import { bitbucketCapabilities } from '../../../providers/bitbucket/adapter.ts';
import { giteaCapabilities } from '../../../providers/gitea/adapter.ts';
import { gitHubCapabilities } from '../../../providers/github/adapter.ts';
import { gitLabCapabilities } from '../../../providers/gitlab/adapter.ts';
import { succeeded } from '../../engine/core/given-run.ts';
import { ann, dev, eve, rulesWorld, shas } from './rules-world.ts';

const every = [
  ['GitHub', gitHubCapabilities],
  ['GitLab', gitLabCapabilities],
  ['Bitbucket', bitbucketCapabilities],
  ['Gitea', giteaCapabilities],
] as const;

/** What is learned the hard way by others; each of these fails when its guard is taken away. */
describe.each(every)('on %s', (_, capabilities) => {
  it('1, 2: consent to a fork is to the full head that still is one', async () => {
    const world = await rulesWorld(capabilities);
    world.state.pull = { ...world.state.pull, state: 'open', isFork: true, author: 'eve', authorId: '9' };
    expect(await world.start(world.fork)).toMatchObject({ outcome: 'ignored' });
    for (const sha of ['', ` ${shas.head.slice(0, 12)}`, ` ${shas.next}`])
      expect(await world.say(ann, `/slipway ok-to-test${sha}`)).toMatchObject({ outcome: 'refused' });
    // The head that the person saw was replaced before the word was worked off.
    const id = world.comment(ann, `/slipway ok-to-test ${shas.head}`);
    world.state.pull = { ...world.state.pull, headSha: shas.next };
    await world.answer({ commentId: id, body: `/slipway ok-to-test ${shas.head}` });
    expect(world.loop.drivenRuns()).toEqual([]);
  });

  it('2: nor does it outlive another base, or that the pull request was closed in between', async () => {
    const world = await rulesWorld(capabilities);
    world.state.pull = { ...world.state.pull, state: 'open', isFork: true, author: 'eve', authorId: '9' };
    await world.start(world.fork);
    world.state.pull = { ...world.state.pull, baseRef: 'release' };
    world.state.branches.set('release', shas.base);
    expect(await world.say(ann, `/slipway ok-to-test ${shas.head}`)).toMatchObject({ outcome: 'refused' });
    world.state.pull = { ...world.state.pull, baseRef: 'main', state: 'closed' };
    expect(await world.say(ann, `/slipway ok-to-test ${shas.head}`)).toMatchObject({ outcome: 'refused' });
    expect(world.loop.drivenRuns()).toEqual([]);
    world.state.pull = { ...world.state.pull, state: 'open' };
    expect(await world.say(ann, `/slipway ok-to-test ${shas.head}`)).toMatchObject({ outcome: 'done' });
    expect(world.loop.drivenRuns()).toHaveLength(1);
  });

  it('1, 6: an approval is void once its commit was pushed away, and a new prompt is a new comment', async () => {
    const world = await rulesWorld(capabilities);
    const { approval } = await world.waiting();
    world.state.branches.set('main', shas.next);
    world.state.holds = false;
    expect(await world.say(ann, '/slipway approve')).toMatchObject({ outcome: 'refused', who: ann });
    expect(approval()?.status).not.toBe('granted');
    expect(approval()?.given).toEqual([]);
  });

  it('3, 4: the hotfix lane is for the head it was given to, and a push leaves it', async () => {
    const world = await rulesWorld(capabilities);
    world.state.pull = { ...world.state.pull, state: 'open' };
    await world.label(eve, { added: ['hotfix'] });
    expect(world.state.changedLabels).toEqual([{ remove: ['hotfix'] }]);
    expect(await world.conversation.hotfixes.isHotfix(world.repository, 5, shas.head)).toBe(false);
    // Put on a head that was pushed away before the label was worked off.
    await world.label(ann, { added: ['hotfix'], headSha: shas.next });
    expect(await world.conversation.hotfixes.isHotfix(world.repository, 5, shas.head)).toBe(false);
    await world.say(ann, '/slipway hotfix production is down');
    expect(await world.conversation.hotfixes.isHotfix(world.repository, 5, shas.head)).toBe(true);
    expect(await world.conversation.hotfixes.isHotfix(world.repository, 5, shas.next)).toBe(false);
    await world.start(world.push);
    expect(world.loop.drivenRuns()[0]?.lane).toBe('hotfix');
    const pushed = { ...world.fork, action: 'updated', isFork: false, headSha: shas.next, labels: ['hotfix'] } as const;
    const before = world.state.changedLabels.length;
    await world.start(pushed);
    expect(world.state.changedLabels.slice(before)).toEqual([{ remove: ['hotfix'] }]);
  });

  it('3: a label that comes late takes effect, or is taken off and answered', async () => {
    const world = await rulesWorld(capabilities);
    const { runId } = await world.waiting();
    const run = () => world.loop.driven(runId);
    // Merged already: what its merge made goes ahead.
    await world.label(ann, { added: ['hotfix'] });
    expect(run()?.lane).toBe('hotfix');
    await world.label(eve, { removed: ['hotfix'] });
    expect(run()?.lane).toBe('hotfix');
    expect(world.state.changedLabels).toEqual([{ add: ['hotfix'] }]);
    await world.label(ann, { removed: ['hotfix'] });
    expect(run()?.lane).toBe('main');

    // Whoever may put it on may: it only stops. Taking it off lets something go.
    await world.label(eve, { added: ['skip-deploy'] });
    await world.say(ann, '/slipway approve');
    const stage = run()?.plan.stages.find(({ name }) => name === 'production');
    const held = async () => {
      const now = run();
      return now !== undefined && stage !== undefined ? world.conversation.mayStart(now, stage) : undefined;
    };
    expect(await held()).toEqual({ heldBecause: 'pull request 5 has the label skip-deploy, by eve' });
    await world.label(eve, { removed: ['skip-deploy'] });
    expect(await held()).toHaveProperty('heldBecause');
    await world.label(ann, { removed: ['skip-deploy'] });
    expect(await held()).not.toHaveProperty('heldBecause');

    await world.loop.send(runId, { type: 'CancelRun', by: ann, reason: 'over' });
    expect(await world.label(ann, { added: ['skip-deploy'] })).toEqual({});
    expect((await world.audit())[0]).toMatchObject({ outcome: 'refused', what: 'label skip-deploy added' });
    expect(world.state.changedLabels.at(-1)).toEqual({ remove: ['skip-deploy'] });
  });

  it('5: no event of a fork starts anything, whatever it is', async () => {
    const world = await rulesWorld(capabilities);
    for (const action of ['opened', 'updated', 'closed', 'merged'] as const)
      expect(await world.start({ ...world.fork, action })).toMatchObject({ outcome: 'ignored' });
    expect(world.loop.drivenRuns()).toEqual([]);
  });

  it('4, 5: a fork that was let go is not run again for another base, or after it was closed', async () => {
    const world = await rulesWorld(capabilities);
    world.state.pull = { ...world.state.pull, state: 'open', isFork: true, author: 'eve', authorId: '9' };
    await world.start(world.fork);
    expect(await world.say(ann, `/slipway ok-to-test ${shas.head}`)).toMatchObject({ outcome: 'done' });
    const [run] = world.loop.drivenRuns();
    await world.say(ann, '/slipway cancel');
    world.state.branches.set('release', shas.base);
    world.state.pull = { ...world.state.pull, baseRef: 'release' };
    expect(await world.say(ann, '/slipway retry')).toMatchObject({ outcome: 'refused' });
    const button = { headSha: shas.head, by: ann, checkId: `${run?.runId}/package` };
    expect((await world.press(button)).ignoredBecause).toContain('consent anew');
    world.state.pull = { ...world.state.pull, baseRef: 'main', state: 'closed' };
    expect(await world.say(ann, '/slipway test package')).toMatchObject({ outcome: 'refused' });
    expect(world.loop.drivenRuns()).toEqual([]);
    world.state.pull = { ...world.state.pull, state: 'open' };
    expect(await world.say(ann, '/slipway retry')).toMatchObject({ outcome: 'done' });
  });

  it('8: who may call a hotfix is said by the default branch, not by one that the pull request is aimed at', async () => {
    const world = await rulesWorld(capabilities);
    world.permissions.set('mallory', 'write');
    const mallory = { login: 'mallory', id: '8' };
    world.state.branches.set('mine', shas.next);
    world.state.files.set(shas.next, {
      '.slipway.yaml': 'hotfix: { by: [mallory] }\nstages: { a: { commands: [x] } }\n',
    });
    world.state.pull = { ...world.state.pull, state: 'open', baseRef: 'mine' };
    expect(await world.say(mallory, '/slipway hotfix now')).toMatchObject({ outcome: 'denied' });
    await world.label(mallory, { added: ['hotfix'] });
    expect(await world.conversation.hotfixes.isHotfix(world.repository, 5, shas.head)).toBe(false);
  });

  it('8: a deploy that was under way runs again only for deployers, by command or by button', async () => {
    const world = await rulesWorld(capabilities);
    const { runId } = await world.waiting();
    await world.say(ann, '/slipway approve');
    const run = world.loop.driven(runId);
    const stage = run?.plan.stages.find(({ name }) => name === 'production');
    if (run === undefined || stage === undefined) throw new Error('nothing waits');
    const now = await world.conversation.mayStart(run, stage);
    await world.loop.send(runId, { type: 'ScheduleStage', stage: 'production', reason: 'test' });
    await world.loop.send(runId, { type: 'StartStage', stage: 'production', attempt: 1, ...now });
    await world.loop.send(runId, { type: 'RecordResult', stage: 'production', attempt: 1, result: succeeded });
    world.permissions.set('bob', 'write');
    const bob = { login: 'bob', id: '3' };
    expect(await world.say(bob, '/slipway test production')).toMatchObject({ outcome: 'denied' });
    await world.press({ headSha: shas.head, by: bob, checkId: `${runId}/production` });
    expect((await world.audit())[0]).toMatchObject({ outcome: 'denied', who: bob });
    // All checks again: what deploys stays as it is.
    expect(await world.press({ headSha: shas.head, by: bob })).toEqual({});
    expect(world.loop.driven(runId)?.stages).toMatchObject({
      package: { status: 'waiting' },
      production: { status: 'succeeded' },
    });
  });

  it('7: our own words are no command, and a flood of a stranger’s is not answered', async () => {
    const world = await rulesWorld(capabilities);
    const me = { login: 'slipway[bot]', id: '99' };
    const body = '/slipway help';
    expect(await world.answer({ by: me, body, commentId: world.comment(me, body) })).toHaveProperty('ignoredBecause');
    const ask = async (by: typeof ann) => world.answer({ by, body, commentId: world.comment(by, body) });
    for (let times = 0; times < 20; times += 1) expect(await ask(eve)).toEqual({});
    expect((await ask(eve)).ignoredBecause).toContain('asks more than is answered');
    for (let times = 0; times < 25; times += 1) expect(await ask(ann)).toEqual({});
  });

  it('7: a comment that was edited, deleted, or is another’s by now is no command', async () => {
    const world = await rulesWorld(capabilities);
    const { approval } = await world.waiting();
    const body = '/slipway approve';
    const edited = world.comment(ann, `${body} please`);
    const others = world.comment(eve, body);
    for (const commentId of [edited, others, '4711'])
      expect(await world.answer({ commentId, body })).toHaveProperty('ignoredBecause');
    expect(approval()?.given).toEqual([]);
  });

  it('8: rights are those of this moment, and a host that cannot be asked allows nothing', async () => {
    const world = await rulesWorld(capabilities);
    const { approval, promptId } = await world.waiting();
    world.permissions.set('ann', 'read');
    expect(await world.say(ann, '/slipway approve')).toMatchObject({ outcome: 'denied', headSha: shas.head });
    await world.react(ann, promptId, 'thumbs_up');
    world.permissions.set('ann', 'write');
    world.state.isDown = true;
    const body = '/slipway approve';
    const commentId = world.comment(ann, body);
    await expect(world.answer({ commentId, body })).rejects.toMatchObject({ code: 'unavailable' });
    await expect(world.react(ann, promptId, 'thumbs_up')).rejects.toMatchObject({ code: 'unavailable' });
    expect(approval()?.given).toEqual([]);
    world.state.isDown = false;
    await world.answer({ commentId, body });
    expect(approval()?.status).toBe('granted');
  });

  it('8: authors and people of no listed group approve nothing, and it is kept who tried', async () => {
    const world = await rulesWorld(capabilities);
    const { approval, promptId } = await world.waiting();
    world.permissions.set('bob', 'admin');
    for (const by of [dev, { login: 'bob', id: '3' }, eve]) {
      expect(await world.say(by, '/slipway approve')).toMatchObject({ outcome: 'denied', who: by });
      await world.react(by, promptId, 'rocket');
    }
    expect(approval()?.given).toEqual([]);
    const tried = (await world.audit()).map(({ who, outcome, headSha, policySha, number }) => ({
      who: who.login,
      outcome,
      headSha,
      policySha,
      number,
    }));
    expect(tried).toHaveLength(6);
    expect(tried).toContainEqual({
      who: 'eve',
      outcome: 'denied',
      headSha: shas.head,
      policySha: shas.head,
      number: 5,
    });
  });

  it('9: stages of a fork and every policy come from the tip of the base branch', async () => {
    const world = await rulesWorld(capabilities);
    world.state.branches.set('main', shas.tip);
    const hostile = 'stages: { test: { commands: [steal] } }\n';
    world.state.files.set(shas.head, { '.slipway.yaml': hostile });
    await world.start({ ...world.fork, consentBy: ann });
    const [ofFork] = world.loop.drivenRuns();
    expect(ofFork?.plan).toMatchObject({ source: { sha: shas.tip }, policy: { sha: shas.tip } });
    expect(JSON.stringify(ofFork?.plan)).not.toContain('steal');
    // 10: and nothing of a pull request reaches an environment.
    expect(ofFork?.stages['production']).toMatchObject({ status: 'skipped' });

    // A branch may bring stages, never who may approve them.
    const lax = `stages: { ship: { deploy: { environment: production, image: "web@sha256:${'0'.repeat(64)}" } } }\n`;
    world.state.files.set(shas.next, { '.slipway.yaml': `on: { push: { branches: [topic] } }\n${lax}` });
    await world.start({ ...world.push, branch: 'topic', headSha: shas.next });
    const ship = world.loop.drivenRuns().find(({ stages }) => 'ship' in stages);
    expect(ship?.plan.policy?.environments[0]).toMatchObject({ approval: { by: [{ type: 'person', login: 'ann' }] } });
  });

  it('11: words of people stay words', async () => {
    const world = await rulesWorld(capabilities);
    const { runId } = await world.waiting();
    const hostile = '$(touch /tmp/x) <img src=x> @everyone | ``` {{ body }}';
    await world.say(ann, `/slipway reject ${hostile}`);
    const last = await world.loop.runAt(runId, Number.MAX_SAFE_INTEGER);
    const body = last === undefined ? '' : renderComment(last.run, capabilities);
    expect(body).toContain('rejected by ann');
    expect(body).not.toMatch(/(?<!\\)<img/);
    expect(body).not.toMatch(/@everyone/);
  });

  it('13: the same delivery twice is one answer', async () => {
    const world = await rulesWorld(capabilities);
    const { approval } = await world.waiting();
    const body = '/slipway approve';
    const commentId = world.comment(ann, body);
    await world.answer({ commentId, body });
    await world.answer({ commentId, body });
    expect(approval()?.given).toHaveLength(1);
    expect(await world.audit()).toMatchObject([{ outcome: 'done' }, { outcome: 'done' }]);
  });

  it('14: what cannot be known stops: a policy that cannot be read, changed files that cannot be listed', async () => {
    const world = await rulesWorld(capabilities);
    const owners = world.host.capabilities.codeOwnersPaths[0] ?? 'CODEOWNERS';
    const files = world.state.files.get(shas.head) ?? {};
    world.state.files.set(shas.head, { ...files, [owners]: '*.js @ann\n/docs/ @bob\n' });
    world.state.changed = { paths: ['server.js'], isComplete: false };
    const { approval } = await world.waiting();
    if (world.host.capabilities.codeOwnersPaths.length > 0)
      expect(approval()?.subject.owners).toEqual([['ann'], ['bob']]);
    world.state.files.set(shas.head, { '.slipway.yaml': 'stages: [' });
    for (const command of ['deploy production 1', 'rollback production 1', 'lock production', 'hotfix now'])
      expect(await world.say(ann, `/slipway ${command}`)).toMatchObject({ outcome: 'refused' });
  });

  it('15: only what was live can be gone back to or deployed', async () => {
    const world = await rulesWorld(capabilities);
    const environment = { tenant: 'any:1', repositoryId: '7', repository: 'acme/web', environment: 'production' };
    const { runId } = await world.waiting();
    const target = world.loop.driven(runId)?.plan.stages[1]?.deploy;
    if (target === undefined) throw new Error('no target');
    const facts = { digest: 'sha256:2', target, by: 'dev', at: new Date() };
    await world.revisions.claim(environment, 'r1', new Date());
    await world.revisions.create(environment, { ...facts, rolloutId: 'r1' });
    await world.revisions.makeLive(environment, 1);
    await world.revisions.create(environment, { ...facts, rolloutId: 'r2' });
    await world.revisions.markFailed(environment, 2);
    const before = world.loop.drivenRuns().length;
    for (const command of [
      `deploy production ${shas.next}`,
      'deploy production 2',
      'rollback production 2',
      'rollback production 7',
    ])
      expect(await world.say(ann, `/slipway ${command}`)).toMatchObject({ outcome: 'refused' });
    expect(await world.say(eve, '/slipway rollback production 1')).toMatchObject({ outcome: 'denied' });
    expect(world.loop.drivenRuns()).toHaveLength(before);
    expect(await world.say(ann, '/slipway deploy production 1')).toMatchObject({ outcome: 'done' });
    expect(world.loop.drivenRuns()).toHaveLength(before + 1);
  });
});

it('opens a pull request that takes main back to what production runs, for who may write', async () => {
  const world = await rulesWorld(gitHubCapabilities);
  const environment = { tenant: 'any:1', repositoryId: '7', repository: 'acme/web', environment: 'production' };
  expect(await world.say(ann, '/revert')).toMatchObject({ outcome: 'refused' });
  const { runId } = await world.waiting();
  const target = world.loop.driven(runId)?.plan.stages[1]?.deploy;
  if (target === undefined) throw new Error('no target');
  await world.revisions.claim(environment, 'r1', new Date());
  const live = { digest: 'sha256:1', target, by: 'dev', at: new Date(), headSha: shas.base, rolloutId: 'r1' };
  await world.revisions.create(environment, live);
  await world.revisions.makeLive(environment, 1);
  const asked: unknown[] = [];
  world.host.proposeState = async (_, change) => {
    asked.push(change);
    return 12;
  };
  expect(await world.say(eve, '/revert production')).toMatchObject({ outcome: 'denied' });
  expect(asked).toEqual([]);
  expect(await world.say(ann, '/revert production')).toMatchObject({ outcome: 'done', why: 'opened pull request 12' });
  expect(asked).toMatchObject([{ base: 'main', tip: shas.head, sha: shas.base }]);
  // What runs there is no part of main, or all of it.
  world.state.holds = false;
  expect(await world.say(ann, '/revert production')).toMatchObject({ outcome: 'refused' });
  world.state.branches.set('main', shas.base);
  expect(await world.say(ann, '/revert production')).toMatchObject({ outcome: 'refused' });
  expect(asked).toHaveLength(1);
});

it('12: no decision is read from checks or statuses, which anybody who may write can set', async () => {
  const { host } = await rulesWorld(gitHubCapabilities);
  expect(Object.keys(host).filter((verb) => /check|status/i.test(verb))).toEqual(['publishCheck']);
});
