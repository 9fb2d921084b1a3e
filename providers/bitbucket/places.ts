import { z } from 'zod';
import type { HostPlaces, Place, PlaceHook } from '../git-host-places.ts';
import { orNone as orNoneOf } from '../host-fault.ts';
import { nameOfSecrets } from '../signature.ts';
import { isAnswer } from './error.ts';
import { repositoryOf } from './repository-ref.ts';
import { Repository } from './schema.ts';
import { allPages, type BitbucketApi, type BitbucketSession } from './session.ts';

const maxRepositoryPages = 100;
const maxHookPages = 5;
const pagelen = 100;

const wanted = [
  'repo:push',
  'pullrequest:created',
  'pullrequest:updated',
  'pullrequest:fulfilled',
  'pullrequest:rejected',
  'pullrequest:comment_created',
];

const Workspace = z.object({ uuid: z.string(), slug: z.string() });
const Hook = z.object({
  uuid: z.string(),
  url: z.string(),
  active: z.boolean().default(true),
  events: z.array(z.string()).default([]),
  secret_set: z.boolean().optional(),
});

/** Webhooks of workspaces and of repositories. */
export function places(session: BitbucketSession, secrets: readonly string[]): HostPlaces {
  const [secret = ''] = secrets;
  return {
    ownerWord: 'workspace',
    secretId: nameOfSecrets([secret]),

    find: (path) =>
      session.ask(`Looking for ${path}`, async (api) => {
        const parts = path.split('/');
        if (parts.length > 2) return undefined;
        const [workspace = '', slug] = parts;
        if (slug === undefined) {
          const found = await orNone(get(api, pathIn('workspaces', workspace)));
          if (found === undefined) return undefined;
          const { uuid, slug: name } = Workspace.parse(found);
          return { type: 'owner', path: name, id: uuid };
        }
        const found = await orNone(get(api, pathIn('repositories', workspace, slug)));
        if (found === undefined) return undefined;
        const { uuid, full_name } = Repository.parse(found);
        return { type: 'repository', path: full_name, id: uuid };
      }),

    repositories: (place) =>
      session.ask(`Listing the repositories of ${place.path}`, async (api) => {
        if (place.type === 'repository')
          return { repositories: [repositoryOf(Repository.parse(await get(api, pathOf(place))))], isComplete: true };
        const { entries, isComplete } = await allPages(api, Repository, maxRepositoryPages, () =>
          api.request({ method: 'GET', url: pathIn('repositories', place.path), pagelen }),
        );
        return { repositories: entries.map(repositoryOf), isComplete };
      }),

    hooks: (place) =>
      session.ask(`Looking at the webhooks of ${place.path}`, async (api) => {
        try {
          const url = pathOf(place, 'hooks');
          const { entries } = await allPages(api, Hook, maxHookPages, () =>
            api.request({ method: 'GET', url, pagelen }),
          );
          return entries.map(shown);
        } catch (error) {
          // Administrators alone see them.
          if (isAnswer(error, 403) || isAnswer(error, 404)) return undefined;
          throw error;
        }
      }),

    saveHook: (place, url, known) =>
      session.ask(`Setting up the webhook of ${place.path}`, async (api) => {
        const _body = { description: 'Slipway', url, active: true, secret, events: wanted };
        const edited =
          known === undefined
            ? undefined
            : await orNone(api.request({ method: 'PUT', url: pathOf(place, 'hooks', known), _body }));
        const { data } = edited ?? (await api.request({ method: 'POST', url: pathOf(place, 'hooks'), _body }));
        return Hook.parse(data).uuid;
      }),

    removeHook: (place, id) =>
      session.ask(`Removing the webhook of ${place.path}`, async (api) => {
        await orNone(api.request({ method: 'DELETE', url: pathOf(place, 'hooks', id) }));
      }),

    // Bitbucket's log of deliveries is for its pages alone.
    lastDelivery: async () => undefined,
  };
}

async function get(api: BitbucketApi, url: string): Promise<unknown> {
  return (await api.request({ method: 'GET', url })).data;
}

function pathIn(...parts: readonly string[]): string {
  return ['', ...parts].map(encodeURIComponent).join('/');
}

/** Repositories by their uuid, which survives renames. */
function pathOf({ type, path, id }: Place, ...parts: readonly string[]): string {
  return type === 'owner'
    ? pathIn('workspaces', path, ...parts)
    : pathIn('repositories', path.split('/')[0] ?? '', id, ...parts);
}

function shown({ uuid, url, active, events, secret_set }: z.infer<typeof Hook>): PlaceHook {
  const untold = wanted.filter((event) => !events.includes(event));
  return {
    id: uuid,
    url,
    faults: [
      ...(untold.length === 0 ? [] : [`does not tell of ${untold.join(', ')}`]),
      ...(active ? [] : ['is switched off']),
      ...(secret_set === false ? ['has no secret'] : []),
    ],
  };
}

function orNone<T>(asked: Promise<T>): Promise<T | undefined> {
  return orNoneOf(asked, (error) => isAnswer(error, 404));
}
