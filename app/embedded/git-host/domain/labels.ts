import type { Label, Pull, Repository } from '../entities.ts';
import { labelShape } from '../github/shapes/pull.ts';
import { type Actor, type Host, timestamp } from '../host.ts';
import { validationFailed } from '../refusal.ts';
import { emitPull } from './pull-events.ts';

export function findLabel(host: Host, repository: Repository, name: string): Label | undefined {
  return host.store.labels.findByKey(`${repository.id}/${name.toLowerCase()}`);
}

/** @throws Refusal 422 for a name that is taken or too long */
export function createLabel(
  host: Host,
  repository: Repository,
  label: { readonly name: string; readonly color?: string; readonly description?: string | null },
): Label {
  const name = label.name.trim();
  if (name === '' || name.length > 50) throw validationFailed({ resource: 'Label', field: 'name', code: 'invalid' });
  if (findLabel(host, repository, name))
    throw validationFailed({ resource: 'Label', field: 'name', code: 'already_exists' });
  return host.store.labels.insert({
    repositoryId: repository.id,
    name,
    color: label.color ?? 'ededed',
    description: label.description ?? null,
  });
}

/** Puts labels on a pull request, making those that the repository does not have yet, as GitHub does. */
export function addLabels(host: Host, pull: Pull, names: readonly string[], actor: Actor): Pull {
  return host.store.atomically(() => {
    const repository = host.store.repositories.get(pull.repositoryId);
    let current = host.store.pulls.get(pull.id);
    for (const name of names) {
      const label = findLabel(host, repository, name) ?? createLabel(host, repository, { name });
      if (current.labelIds.includes(label.id)) continue;
      current = host.store.pulls.save({
        ...current,
        labelIds: [...current.labelIds, label.id],
        updatedAt: timestamp(host.now()),
      });
      emitPull(host, current, 'labeled', actor, { label: labelShape(host, label) }, { label });
    }
    return current;
  });
}

export function removeLabel(host: Host, pull: Pull, label: Label, actor: Actor): Pull {
  return host.store.atomically(() => {
    const current = host.store.pulls.get(pull.id);
    if (!current.labelIds.includes(label.id)) return current;
    const updated = host.store.pulls.save({
      ...current,
      labelIds: current.labelIds.filter((id) => id !== label.id),
      updatedAt: timestamp(host.now()),
    });
    emitPull(host, updated, 'unlabeled', actor, { label: labelShape(host, label) }, { label });
    return updated;
  });
}
