import { type Approval, isGranted } from '../engine/core/approval.ts';
import { stagesForConsent } from '../engine/core/decide.ts';
import { type Run, stageState } from '../engine/core/run.ts';

/** Why a stage that has not begun does not go on, where that is a person's matter; undefined: it is not. */
export function waitsForPeople(run: Run, stage: string): string | undefined {
  const state = stageState(run, stage);
  if (state.status !== 'waiting') return undefined;
  if (state.heldBecause !== undefined) return `Held: ${state.heldBecause}`;
  if (!stagesForConsent(run).some(({ name }) => name === stage)) return undefined;
  const approval = run.approvals[stage];
  if (approval === undefined || approval.status !== 'open') return 'Waits for approval';
  const { given, policy } = approval;
  const so = policy.required > 1 ? `, ${given.filter(({ counts }) => counts).length} of ${policy.required} so far` : '';
  return `Waits for approval by ${whoMay(approval)}${so}`;
}

/** Who approved a stage, for people; undefined where nobody was asked. */
export function approvedBy(approval: Approval | undefined): string | undefined {
  if (approval === undefined || !isGranted(approval)) return undefined;
  if (approval.status === 'advanced') return 'nobody answered in time, and the policy lets it go on';
  return `approved by ${approval.given.map(({ by }) => by.login).join(', ')}`;
}

/** Whose consent counts, in words. */
export function whoMay({ policy, subject }: Pick<Approval, 'policy' | 'subject'>): string {
  const named = policy.by.map((group) => (group.type === 'person' ? group.login : `team ${group.name}`));
  const who = named.length === 0 ? 'somebody who may write here' : named.join(' or ');
  const owners = subject.owners.map((list) => list.join(' or '));
  return owners.length === 0 ? who : `${who}, and an owner of what it changes (${owners.join('; ')})`;
}
