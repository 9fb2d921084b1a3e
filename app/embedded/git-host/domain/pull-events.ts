import type { Pull } from '../entities.ts';
import type { Happening } from '../face.ts';
import { pullShape } from '../github/shapes/pull.ts';
import type { Actor, Host } from '../host.ts';
import { emit } from '../webhooks/emit.ts';

export type PullAction =
  | 'opened'
  | 'synchronize'
  | 'closed'
  | 'reopened'
  | 'edited'
  | 'labeled'
  | 'unlabeled'
  | 'ready_for_review'
  | 'converted_to_draft';

/**
 * @param extra what some actions add at GitHub: `before` and `after`, `changes`, `label`
 * @param facts the same for the other hosts
 */
export function emitPull(
  host: Host,
  pull: Pull,
  action: PullAction,
  actor: Actor,
  extra: object = {},
  facts: Pick<Extract<Happening, { type: 'pull' }>, 'before' | 'label' | 'changes'> = {},
): void {
  emit(host, {
    event: 'pull_request',
    action,
    repository: host.store.repositories.get(pull.repositoryId),
    sender: actor.account,
    body: { number: pull.number, ...extra, pull_request: pullShape(host, pull, null) },
    happening: { type: 'pull', action, pull, ...facts },
  });
}
