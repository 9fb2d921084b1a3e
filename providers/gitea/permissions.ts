import { z } from 'zod';
import type { Permission, ReadsPermissions } from '../git-host.ts';
import { GitHostError } from '../git-host-error.ts';
import { isAnswer } from '../host-fault.ts';
import type { GiteaApi } from './request.ts';
import { type At, type GiteaSession, orNone } from './session.ts';

const maxTeams = 500;

const Collaborator = z.object({ permission: z.string() });
const Team = z.object({
  id: z.number(),
  name: z.string(),
  units_map: z.record(z.string(), z.string()).nullish(),
});
type Team = z.infer<typeof Team>;

const levels: Readonly<Record<string, Permission>> = { owner: 'admin', admin: 'admin', write: 'write', read: 'read' };
const ranks: readonly Permission[] = ['none', 'read', 'write', 'admin'];

/**
 * What people may do. Gitea's own answer leaves out what a team gives on parts of a repository: such people push, and
 * are said to have `read` or `none`. So the teams of the repository are looked at too. Whoever is not in the organisation
 * is in none of them; of its members, an organisation's owner alone may ask about all teams, anybody else about the own.
 */
export function permissions(session: GiteaSession): ReadsPermissions {
  return {
    permissionOf: (repository, login) =>
      session.call(`Looking up the permission of ${login}`, repository, async (api, at) => {
        const path = [...at, 'collaborators', login, 'permission'];
        const told = await orNone(api, at, api.ask(Collaborator, 'GET', path));
        // Nobody of that name.
        if (told === undefined) return 'none';
        const own = levels[told.permission] ?? 'none';
        if (own === 'admin' || own === 'write') return own;
        const teams = await teamsOf(api, at);
        const giving = (level: Permission) =>
          teams.filter(({ units_map }) => (levels[units_map?.['repo.code'] ?? ''] ?? 'none') === level);
        for (const level of ['admin', 'write', 'read'] as const) {
          if (ranks.indexOf(level) <= ranks.indexOf(own)) break;
          for (const team of giving(level)) if (await isMember(api, at[1], team, login)) return level;
        }
        return own;
      }),

    isTeamMember: (repository, team, login) =>
      session.call(`Looking up whether ${login} is in ${team}`, repository, async (api, at) => {
        const [organization, name] = team.split('/');
        if (organization === undefined || name === undefined) return false;
        const isOwn = organization.toLowerCase() === at[1].toLowerCase();
        const known = [...(isOwn ? await teamsOf(api, at) : []), ...(await teamsOfOrganization(api, organization))];
        const found = known.find((each) => each.name.toLowerCase() === name.toLowerCase());
        return found === undefined ? false : isMember(api, organization, found, login);
      }),
  };
}

/** Those that were given this repository; none where a person owns it. */
async function teamsOf(api: GiteaApi, at: At): Promise<readonly Team[]> {
  try {
    return (await api.ask(z.array(Team).nullable(), 'GET', [...at, 'teams'])) ?? [];
  } catch (error) {
    if (isAnswer(error, 405)) return [];
    throw error;
  }
}

/** As far as we may see them. */
async function teamsOfOrganization(api: GiteaApi, organization: string): Promise<readonly Team[]> {
  try {
    return (await api.all(Team, ['orgs', organization, 'teams'], maxTeams)).entries;
  } catch (error) {
    if (isAnswer(error, 404) || isAnswer(error, 403)) return [];
    throw error;
  }
}

/** @throws GitHostError `denied` where Gitea does not tell us: never taken for a yes, nor for a no */
async function isMember(api: GiteaApi, organization: string, team: Team, login: string): Promise<boolean> {
  try {
    return await isThere(api, ['teams', String(team.id), 'members', login]);
  } catch (error) {
    if (!isAnswer(error, 403)) throw error;
    if (!(await isThere(api, ['orgs', organization, 'members', login]))) return false;
    throw new GitHostError({
      code: 'denied',
      what: `Looking up whether ${login} is in the team ${team.name} of ${organization}`,
      why: "Gitea tells that to the organisation's owners and to members of the team alone",
      fix: `Add Slipway's user to the team Owners of ${organization} or to ${team.name}, or make ${login} a collaborator`,
      cause: error,
    });
  }
}

async function isThere(api: GiteaApi, path: readonly string[]): Promise<boolean> {
  try {
    await api.ask(z.unknown(), 'GET', path);
    return true;
  } catch (error) {
    if (isAnswer(error, 404)) return false;
    throw error;
  }
}
