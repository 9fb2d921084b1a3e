import { z } from 'zod';
import type { HostPlaces, Place, PlaceHook } from '../git-host-places.ts';
import { isAnswer, orNone } from '../host-fault.ts';
import { nameOfSecrets } from '../signature.ts';
import { repositoryOf } from './repository-ref.ts';
import { Repository } from './schema.ts';
import type { GiteaSession } from './session.ts';

const maxRepositories = 10_000;
const maxHooks = 200;

/** As subscriptions name them; deliveries bear other names. */
const wanted = [
  'push',
  'pull_request',
  'pull_request_sync',
  'pull_request_label',
  'issue_comment',
  'pull_request_comment',
];

const Organization = z.object({ id: z.number(), username: z.string() });
const Listed = Repository.extend({ archived: z.boolean().default(false) });
const Hook = z.object({
  id: z.number(),
  active: z.boolean(),
  events: z.array(z.string()),
  config: z.record(z.string(), z.string()),
});

/** Webhooks of organisations and of repositories. */
export function places(session: GiteaSession, secrets: readonly string[]): HostPlaces {
  const [secret = ''] = secrets;

  const remove = (place: Place, id: string) =>
    session.ask(`Removing the webhook of ${place.path}`, async (api) => {
      await orNone(api.ask(z.unknown(), 'DELETE', [...pathOf(place), 'hooks', id]));
    });

  return {
    ownerWord: 'organisation',
    secretId: nameOfSecrets([secret]),

    find: (path) =>
      session.ask(`Looking for ${path}`, async (api) => {
        const parts = path.split('/');
        if (parts.length > 2) return undefined;
        if (parts.length === 1) {
          const found = await orNone(api.ask(Organization, 'GET', ['orgs', path]));
          return found === undefined ? undefined : { type: 'owner', path: found.username, id: String(found.id) };
        }
        const found = await orNone(api.ask(Repository, 'GET', ['repos', ...parts]));
        return found === undefined ? undefined : { type: 'repository', path: found.full_name, id: String(found.id) };
      }),

    repositories: (place) =>
      session.ask(`Listing the repositories of ${place.path}`, async (api) => {
        if (place.type === 'repository')
          return { repositories: [repositoryOf(await api.ask(Repository, 'GET', pathOf(place)))], isComplete: true };
        const { entries, isComplete } = await api.all(Listed, [...pathOf(place), 'repos'], maxRepositories);
        return { repositories: entries.filter(({ archived }) => !archived).map(repositoryOf), isComplete };
      }),

    hooks: (place) =>
      session.ask(`Looking at the webhooks of ${place.path}`, async (api) => {
        try {
          return (await api.all(Hook, [...pathOf(place), 'hooks'], maxHooks)).entries.map(shown);
        } catch (error) {
          // Owners of an organisation, and administrators of a repository, alone see them.
          if (isAnswer(error, 403) || isAnswer(error, 404)) return undefined;
          throw error;
        }
      }),

    async saveHook(place, url, known) {
      const made = await session.ask(`Setting up the webhook of ${place.path}`, (api) =>
        api.ask(Hook, 'POST', [...pathOf(place), 'hooks'], {
          body: { type: 'gitea', config: { url, content_type: 'json', secret }, events: wanted, active: true },
        }),
      );
      // An edit keeps the old secret, without a word. What comes by both webhooks for a moment is taken once.
      if (known !== undefined) await remove(place, known);
      return String(made.id);
    },

    removeHook: remove,

    // Gitea's log of deliveries is for its pages alone.
    lastDelivery: async () => undefined,
  };
}

function pathOf(place: Place): readonly string[] {
  return place.type === 'owner' ? ['orgs', place.path] : ['repos', ...place.path.split('/')];
}

function shown({ id, active, events, config }: z.infer<typeof Hook>): PlaceHook {
  const untold = wanted.filter((event) => !events.includes(event));
  return {
    id: String(id),
    url: config['url'] ?? '',
    faults: [
      ...(untold.length === 0 ? [] : [`does not tell of ${untold.join(', ')}`]),
      ...(config['content_type'] === 'json' ? [] : ['does not send JSON']),
      ...(active ? [] : ['is switched off']),
    ],
  };
}
