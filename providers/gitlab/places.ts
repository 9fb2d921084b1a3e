import { z } from 'zod';
import type { HostPlaces, Place, PlaceHook } from '../git-host-places.ts';
import { isAnswer, orNone } from '../host-fault.ts';
import { nameOfSecrets } from '../signature.ts';
import { repositoryOf } from './repository-ref.ts';
import { allPages, type GitLabApi, type GitLabSession } from './session.ts';
import { signingPrefix } from './webhook.ts';

const maxProjectPages = 100;
const maxHookPages = 5;

/** What webhooks have to tell of: the field that says so, and words for people. */
const wanted = [
  ['push_events', 'pushes'],
  ['tag_push_events', 'tags'],
  ['merge_requests_events', 'merge requests'],
  ['note_events', 'comments'],
  ['emoji_events', 'reactions'],
] as const;

/** All of them switched on; gitbeaker's type knows no `emojiEvents`. */
const events = {
  pushEvents: true,
  tagPushEvents: true,
  mergeRequestsEvents: true,
  noteEvents: true,
  emojiEvents: true,
} as const;

const Hook = z.object({
  id: z.number(),
  url: z.string(),
  push_events: z.boolean().optional(),
  tag_push_events: z.boolean().optional(),
  merge_requests_events: z.boolean().optional(),
  note_events: z.boolean().optional(),
  emoji_events: z.boolean().optional(),
  enable_ssl_verification: z.boolean().optional(),
  alert_status: z.string().optional(),
  token_present: z.boolean().optional(),
  signing_token_present: z.boolean().optional(),
});
type Hook = z.infer<typeof Hook>;

const Project = z.object({ id: z.number(), path_with_namespace: z.string() });
const Group = z.object({ id: z.number(), full_path: z.string() });
/** GitLab tells no time of it. */
const Event = z.object({ response_status: z.union([z.string(), z.number()]).nullish() });

/** Webhooks of groups (from GitLab Premium on) and of projects. */
export function places(session: GitLabSession, secrets: readonly string[]): HostPlaces {
  const signing = secrets.find((secret) => secret.startsWith(signingPrefix));
  const token = secrets.find((secret) => !secret.startsWith(signingPrefix));
  return {
    ownerWord: 'group',
    secretId: nameOfSecrets([signing, token]),

    find: (path) =>
      session.ask(`Looking for ${path}`, async (api) => {
        const group = await orNone(api.Groups.show(path));
        if (group !== undefined) {
          const { id, full_path } = Group.parse(group);
          return { type: 'owner', path: full_path, id: String(id) };
        }
        const project = path.includes('/') ? await orNone(api.Projects.show(path)) : undefined;
        if (project === undefined) return undefined;
        const { id, path_with_namespace } = Project.parse(project);
        return { type: 'repository', path: path_with_namespace, id: String(id) };
      }),

    repositories: (place) =>
      session.ask(`Listing the projects of ${place.path}`, async (api) => {
        if (place.type === 'repository') {
          return { repositories: [repositoryOf(Project.parse(await api.Projects.show(place.id)))], isComplete: true };
        }
        const { entries, isComplete } = await allPages(maxProjectPages, (page) =>
          api.Groups.allProjects(place.id, {
            ...page,
            includeSubgroups: true,
            withShared: false,
            archived: false,
            orderBy: 'id',
            sort: 'asc',
          }),
        );
        return { repositories: z.array(Project).parse(entries).map(repositoryOf), isComplete };
      }),

    hooks: (place) =>
      session.ask(`Looking at the webhooks of ${place.path}`, async (api) => {
        try {
          const { entries } = await allPages<unknown>(maxHookPages, (page) => hooksOf(api, place).all(place.id, page));
          return z.array(Hook).parse(entries).map(shown);
        } catch (error) {
          // Groups have none below Premium; of projects a Maintainer alone sees them.
          if (isAnswer(error, 403) || isAnswer(error, 404)) return undefined;
          throw error;
        }
      }),

    saveHook: (place, url, known) =>
      session.ask(`Setting up the webhook of ${place.path}`, async (api) => {
        const hooks = hooksOf(api, place);
        const facts = { ...events, enableSslVerification: true };
        const before = known === undefined ? undefined : await orNone<unknown>(hooks.show(place.id, Number(known)));
        const isKept = before !== undefined && !isOff(Hook.parse(before));
        // What GitLab switched off is switched on again by no edit.
        if (before !== undefined && !isKept) await orNone(hooks.remove(place.id, Number(known)));
        const save = async (id: number | undefined, secret: object): Promise<Hook> =>
          Hook.parse(
            id === undefined
              ? await hooks.add(place.id, url, { ...facts, ...secret })
              : await hooks.edit(place.id, id, url, { ...facts, ...secret }),
          );
        const id = isKept ? Number(known) : undefined;
        // A signing secret never travels with a delivery, as a token does; GitLab before 19.0 passes over it silently.
        const made = await save(id, signing === undefined ? { token } : { signingToken: signing });
        if (signing === undefined || made.signing_token_present === true || token === undefined) return String(made.id);
        return String((await save(made.id, { token })).id);
      }),

    removeHook: (place, id) =>
      session.ask(`Removing the webhook of ${place.path}`, async (api) => {
        await orNone(hooksOf(api, place).remove(place.id, Number(id)));
      }),

    lastDelivery: (place, id) =>
      session.ask(`Looking at the deliveries of ${place.path}`, async (api) => {
        const resource = hooksOf(api, place);
        const path = `${encodeURIComponent(place.id)}/hooks/${encodeURIComponent(id)}/events`;
        const answer = await orNone(
          resource.requester.get<Record<string, unknown>[]>(path, { searchParams: { perPage: 1, page: 1 } }),
        );
        const [newest] = z.array(Event).parse(answer?.body ?? []);
        if (newest === undefined) return undefined;
        const status = Number(newest.response_status);
        return Number.isInteger(status) && status >= 100 ? { status } : {};
      }),
  };
}

function hooksOf(api: GitLabApi, place: Place): GitLabApi['ProjectHooks'] | GitLabApi['GroupHooks'] {
  return place.type === 'owner' ? api.GroupHooks : api.ProjectHooks;
}

function isOff({ alert_status }: Hook): boolean {
  return alert_status === 'disabled' || alert_status === 'temporarily_disabled';
}

function shown(hook: Hook): PlaceHook {
  const untold = wanted.filter(([field]) => hook[field] !== true);
  const hasNoSecret = hook.token_present === false && hook.signing_token_present === false;
  return {
    id: String(hook.id),
    url: hook.url,
    faults: [
      ...(untold.length === 0 ? [] : [`does not tell of ${untold.map(([, words]) => words).join(', ')}`]),
      ...(hook.enable_ssl_verification === false && hook.url.startsWith('https:')
        ? ['does not verify certificates']
        : []),
      ...(isOff(hook) ? ['was switched off by GitLab after deliveries failed'] : []),
      ...(hasNoSecret ? ['has no secret'] : []),
    ],
  };
}
