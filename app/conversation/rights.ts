import { emptyPolicy, type Group, type Policy } from '../../engine/core/policy.ts';
import type { Person, RepositoryRef, Sha } from '../../engine/core/trigger.ts';
import { parsePipeline, pipelineFile, pipelineMaxBytes } from '../../engine/pipeline-file.ts';
import type { GitHost } from '../../providers/git-host.ts';

/** Whether somebody may; words for them where not. */
export type Right = { readonly may: true } | { readonly may: false; readonly why: string };

const canWrite = new Set(['admin', 'write']);

/**
 * Looked up at the host at this moment, and kept nowhere: rights may be gone a second later.
 * @param groups who of those that may write; empty: all of them
 * @throws GitHostError when the host cannot be asked: then nothing is allowed
 */
export async function rightOf(
  host: GitHost,
  repository: RepositoryRef,
  person: Person,
  groups: readonly Group[],
  what: string,
): Promise<Right> {
  const permission = await host.permissionOf(repository, person.login);
  if (!canWrite.has(permission)) {
    const name = permission === 'none' ? 'none' : host.capabilities.permissionNames[permission];
    return {
      may: false,
      why: `${what} needs the right to write to this repository (${host.capabilities.permissionNames.write}); ${person.login} has: ${name}`,
    };
  }
  if (groups.length === 0 || (await isIn(host, repository, person, groups))) return { may: true };
  return { may: false, why: `${what} is for ${namesOf(groups)}; ${person.login} is none of them` };
}

/** Whether a person is named, or in one of the teams: asked of the host now. @throws GitHostError when it cannot be asked */
export async function isIn(
  host: GitHost,
  repository: RepositoryRef,
  person: Person,
  groups: readonly Group[],
): Promise<boolean> {
  const login = person.login.toLowerCase();
  if (groups.some((group) => group.type === 'person' && group.login.toLowerCase() === login)) return true;
  for (const group of groups) {
    if (group.type === 'team' && (await host.isTeamMember(repository, group.name, person.login))) return true;
  }
  return false;
}

/** Owners as CODEOWNERS names them. */
export function groupsOf(owners: readonly string[]): readonly Group[] {
  return owners.map((name) => (name.includes('/') ? { type: 'team', name } : { type: 'person', login: name }));
}

function namesOf(groups: readonly Group[]): string {
  return groups.map((group) => (group.type === 'person' ? group.login : `team ${group.name}`)).join(', ');
}

/**
 * What the branch's tip says now.
 * @returns undefined when the branch is gone or its pipeline file cannot be read: then nobody may
 */
export async function policyAt(
  host: GitHost,
  repository: RepositoryRef,
  branch: string,
): Promise<{ readonly sha: Sha; readonly policy: Policy } | undefined> {
  const sha = await host.branchHead(repository, branch);
  if (sha === undefined) return undefined;
  const text = await host.readFile(repository, sha, pipelineFile, { maxBytes: pipelineMaxBytes });
  if (text === undefined) return { sha, policy: emptyPolicy };
  const parsed = parsePipeline(text, { path: pipelineFile });
  return 'mistakes' in parsed ? undefined : { sha, policy: parsed.pipeline.policy ?? emptyPolicy };
}
