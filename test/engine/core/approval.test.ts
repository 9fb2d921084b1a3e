import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ApprovalSubject } from '../../../engine/core/approval-subject.ts';
import { readyStages, stagesForConsent } from '../../../engine/core/decide.ts';
import type { Plan } from '../../../engine/core/pipeline.ts';
import type { ApprovalPolicy } from '../../../engine/core/policy.ts';
import { evolve, type Run, runStatus } from '../../../engine/core/run.ts';
import type { RunCommand } from '../../../engine/core/run-commands.ts';
import { Sha } from '../../../engine/core/trigger.ts';
import { deployTarget } from './deploy-target.ts';
import { GivenRun, stage, succeeded } from './given-run.ts';

const author = { login: 'dev', id: '3' };
const ann = { login: 'ann', id: '4' };
const bob = { login: 'bob', id: '5' };
const subject: ApprovalSubject = {
  environment: 'production',
  headSha: Sha('a'.repeat(40)),
  baseSha: Sha('b'.repeat(40)),
  digest: 'sha256:one',
  live: '3 sha256:zero',
  authors: [author],
  owners: [],
};
const prompt = { number: 7, commentId: '90', hash: 'h' };
const policy: ApprovalPolicy = {
  by: [],
  required: 1,
  owners: false,
  mayAuthorApprove: false,
  onTimeout: 'expire',
};
const target = deployTarget({ source: { type: 'image', image: 'web@sha256:one' } });

function givenPlan(facts: Partial<ApprovalPolicy> = {}): Plan {
  const approval = { ...policy, ...facts };
  return {
    source: { type: 'detected', explanation: [] },
    stages: [stage('build'), stage('ship', { kind: 'deploy', needs: ['build'], commands: [], deploy: target })],
    policy: { sha: 'c'.repeat(40), hotfix: [], environments: [{ environment: 'production', deployers: [], approval }] },
  };
}

/** A run whose build is done and whose deploy waits for consent. */
function waiting(facts: Partial<ApprovalPolicy> = {}): GivenRun {
  const given = new GivenRun(givenPlan(facts));
  given.finish('build', succeeded);
  return given;
}

function asked(facts: Partial<ApprovalPolicy> = {}, about: ApprovalSubject = subject): GivenRun {
  const given = waiting(facts);
  given.send({ type: 'RequestApproval', stage: 'ship', subject: about });
  given.send({ type: 'ShowApproval', stage: 'ship', approval: 1, prompt });
  return given;
}

function give(by: typeof ann, facts: { readonly now?: ApprovalSubject; readonly owns?: number[] } = {}): RunCommand {
  const { now = subject, owns = [] } = facts;
  return { type: 'GiveApproval', stage: 'ship', approval: 1, by, via: 'command', counts: true, owns, now };
}

function isReady(given: GivenRun): boolean {
  return readyStages(given.current, given.now()).some(({ name }) => name === 'ship');
}

it('holds a deploy without a slot until as many people as the policy asks for have approved', () => {
  const given = asked({ required: 2 });
  expect(stagesForConsent(given.current).map(({ name }) => name)).toEqual(['ship']);
  given.send(give(ann));
  given.send(give(ann));
  expect(isReady(given)).toBe(false);
  expect(runStatus(given.current)).toBe('WAITING');
  given.send(give(bob));
  expect(isReady(given)).toBe(true);
  expect(runStatus(given.current)).not.toBe('WAITING');
});

it('takes no consent from the author, or before the prompt stands', () => {
  const given = waiting();
  given.send({ type: 'RequestApproval', stage: 'ship', subject });
  expect(given.send(give(ann))).toMatchObject({ ok: false, reason: 'Its prompt does not stand yet' });
  given.send({ type: 'ShowApproval', stage: 'ship', approval: 1, prompt });
  expect(given.send(give({ login: 'DEV', id: '99' }))).toMatchObject({ ok: false });
  expect(given.send(give(author))).toMatchObject({ ok: false, reason: 'Authors do not approve their own change' });
  expect(isReady(given)).toBe(false);
  const lenient = asked({ mayAuthorApprove: true });
  lenient.send(give(author));
  expect(isReady(lenient)).toBe(true);
});

it('asks an owner of every changed path that has owners', () => {
  const given = asked({ owners: true }, { ...subject, owners: [['ann'], ['bob', 'acme/web']] });
  given.send(give(ann, { now: { ...subject, owners: [['ann']] }, owns: [0] }));
  expect(isReady(given)).toBe(false);
  given.send(give(bob, { owns: [1] }));
  expect(isReady(given)).toBe(true);
});

it.each([
  ['head', { headSha: Sha('d'.repeat(40)) }],
  ['base', { baseSha: Sha('d'.repeat(40)) }],
  ['digest', { digest: 'sha256:two' }],
  ['environment', { environment: 'staging' }],
  ['live revision', { live: '4 sha256:other' }],
] as const)('is voided by another %s, when it is given and when it is used, and asks anew', (field, moved) => {
  const now = { ...subject, ...moved };
  const late = asked();
  late.send(give(ann, { now }));
  expect(late.current.approvals['ship']).toMatchObject({ status: 'voided', voided: { field } });
  expect(stagesForConsent(late.current)).toHaveLength(1);

  const used = asked();
  used.send(give(ann));
  used.send({ type: 'ScheduleStage', stage: 'ship', reason: 'test' });
  used.send({ type: 'StartStage', stage: 'ship', attempt: 1, now });
  expect(used.state('ship')).toEqual({ status: 'waiting', attempt: 1 });
  expect(isReady(used)).toBe(false);
  used.send({ type: 'RequestApproval', stage: 'ship', subject: now });
  expect(used.current.approvals['ship']).toMatchObject({ approval: 2, status: 'open', given: [], voided: { field } });
  // What was said to the first prompt is nothing to the second.
  expect(used.send(give(bob, { now }))).toMatchObject({ ok: false });
});

it('ends the run when it is rejected, and asks again when somebody retries it', () => {
  const given = asked();
  given.send({ type: 'RejectApproval', stage: 'ship', approval: 1, by: bob, reason: 'not today' });
  expect(given.current).toMatchObject({ outcome: 'CANCELLED' });
  expect(given.state('ship')).toMatchObject({ status: 'cancelled', reason: 'rejected by bob: not today' });
  given.send({ type: 'RetryStages', by: ann, stages: 'failed' });
  expect(isReady(given)).toBe(false);
  expect(stagesForConsent(given.current)).toHaveLength(1);
});

it('expires, or advances where the policy says so, and not a moment before its time', () => {
  for (const onTimeout of ['expire', 'advance'] as const) {
    const given = asked({ timeoutMs: 5_000, onTimeout });
    const late: RunCommand = { type: 'ExpireApproval', stage: 'ship', approval: 1 };
    expect(given.send(late)).toMatchObject({ ok: false });
    for (let second = 0; second < 5; second += 1) given.send({ type: 'ReleaseStage', stage: 'ship' });
    expect(given.send(give(ann))).toMatchObject({ ok: false, reason: 'Its time is over' });
    expect(given.send(late).ok).toBe(true);
    expect(isReady(given)).toBe(onTimeout === 'advance');
    expect(given.current.outcome).toBe(onTimeout === 'advance' ? undefined : 'CANCELLED');
  }
});

it('is held by a reason, and goes on when it is released', () => {
  const given = asked();
  given.send(give(ann));
  given.send({ type: 'ScheduleStage', stage: 'ship', reason: 'test' });
  given.send({ type: 'HoldStage', stage: 'ship', reason: 'production is locked by bob' });
  expect(given.state('ship')).toMatchObject({ status: 'waiting', heldBecause: 'production is locked by bob' });
  expect(isReady(given)).toBe(false);
  given.send({ type: 'ReleaseStage', stage: 'ship' });
  expect(isReady(given)).toBe(true);
});

const subjects = fc.constantFrom(
  subject,
  { ...subject, live: '4 sha256:other' },
  { ...subject, headSha: Sha('d'.repeat(40)) },
);
const approvalNumber = fc.integer({ min: 1, max: 3 });
/** Whatever people, hosts and replicas may say in any order, late and twice. */
const anything: fc.Arbitrary<RunCommand> = fc.oneof(
  subjects.map((about): RunCommand => ({ type: 'RequestApproval', stage: 'ship', subject: about })),
  approvalNumber.map((approval): RunCommand => ({ type: 'ShowApproval', stage: 'ship', approval, prompt })),
  fc.tuple(approvalNumber, fc.constantFrom(author, ann, bob), subjects).map(
    ([approval, by, now]): RunCommand => ({
      type: 'GiveApproval',
      stage: 'ship',
      approval,
      by,
      via: 'reaction',
      counts: true,
      owns: [],
      now,
    }),
  ),
  fc
    .tuple(approvalNumber, subjects)
    .map(([approval, now]): RunCommand => ({ type: 'CheckApproval', stage: 'ship', approval, now })),
  approvalNumber.map((approval): RunCommand => ({ type: 'VoidPrompt', stage: 'ship', approval, is: 'edited' })),
  approvalNumber.map((approval): RunCommand => ({ type: 'ExpireApproval', stage: 'ship', approval })),
  approvalNumber.map(
    (approval): RunCommand => ({ type: 'RejectApproval', stage: 'ship', approval, by: bob, reason: '' }),
  ),
  fc.constant<RunCommand>({ type: 'ScheduleStage', stage: 'ship', reason: 'test' }),
  subjects.map((now): RunCommand => ({ type: 'StartStage', stage: 'ship', attempt: 1, now })),
  fc.constant<RunCommand>({ type: 'StartStage', stage: 'ship', attempt: 1 }),
  fc.constant<RunCommand>({ type: 'HoldStage', stage: 'ship', reason: 'hold' }),
  fc.constant<RunCommand>({ type: 'ReleaseStage', stage: 'ship' }),
  fc.constant<RunCommand>({ type: 'RetryStages', by: ann, stages: 'failed' }),
);

it('whatever is said in any order, a deploy starts only by enough people’s consent to exactly what it does', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 }), fc.array(anything, { maxLength: 60 }), (required, said) => {
      const given = waiting({ required });
      for (const command of said) {
        const before = given.current.approvals['ship'];
        const decision = given.send(command);
        const started = decision.ok && decision.events.some(({ type }) => type === 'StageStarted');
        if (!started) continue;
        const people = new Set(before?.given.map(({ by }) => by.id));
        expect(people.size).toBeGreaterThanOrEqual(required);
        expect(people.has(author.id)).toBe(false);
        expect(before?.status).toBe('granted');
        expect(command).toMatchObject({ type: 'StartStage', now: before?.subject });
      }
      expect(given.events.reduce<Run | undefined>(evolve, undefined)).toEqual(given.current);
    }),
    { numRuns: 2_000 },
  );
});
