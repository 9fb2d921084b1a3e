import { z } from 'zod';
import { roleOf } from '../access/authorize.ts';
import type { Account, Hook } from '../entities.ts';
import type { Host } from '../host.ts';
import { Refusal } from '../refusal.ts';
import type { Api, ApiContext } from '../rest-face.ts';
import { hooksParent } from '../store.ts';
import { page, projectOf, readFields } from './api.ts';
import { projectShape } from './shapes.ts';

/** The fields that subscribe, and the events as deliveries name them. */
const events = {
  push_events: 'Push Hook',
  tag_push_events: 'Tag Push Hook',
  merge_requests_events: 'Merge Request Hook',
  note_events: 'Note Hook',
  emoji_events: 'Emoji Hook',
} as const;

const Asked = z.object({
  url: z.url(),
  push_events: z.boolean().optional(),
  tag_push_events: z.boolean().optional(),
  merge_requests_events: z.boolean().optional(),
  note_events: z.boolean().optional(),
  emoji_events: z.boolean().optional(),
  token: z.string().optional(),
  signing_token: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{43}=$/)
    .optional(),
});
type Asked = z.infer<typeof Asked>;

/** Groups, what is in them, and webhooks: on projects for Maintainers, on groups from Premium on. */
export function addHookRoutes(api: Api, host: Host): void {
  api.get('/groups/:group', (c) => {
    const group = groupOf(host, c);
    return c.json({ id: group.id, name: group.login, path: group.login, full_path: group.login, kind: 'group' });
  });
  api.get('/groups/:group/projects', (c) => {
    const { id } = groupOf(host, c);
    const principal = c.get('principal');
    const seen = host.store.repositories
      .list(id)
      .filter((each) => principal.type === 'user' && roleOf(host, each, principal.account.id) !== 'none');
    return c.json(page(c, seen).map((each) => projectShape(host, each)));
  });

  for (const base of ['/projects/:project/hooks', '/groups/:group/hooks'] as const) {
    const targetOf = (c: ApiContext): Hook['target'] => {
      if (base.startsWith('/projects')) {
        const needed = { resource: 'administration', level: 'write', role: 'admin' } as const;
        return { type: 'repository', repositoryId: projectOf(host, c, needed).id };
      }
      const group = groupOf(host, c);
      if (!host.gitLab.groupHooks || !isOwner(host, c, group)) throw new Refusal(403, '403 Forbidden');
      return { type: 'owner', accountId: group.id };
    };
    const hookOf = (c: ApiContext): Hook => {
      const target = targetOf(c);
      const found = host.store.hooks.find(Number(c.req.param('hook')));
      if (found === undefined || hooksParent(found.target) !== hooksParent(target))
        throw new Refusal(404, '404 Not found');
      return found;
    };
    api.get(base, (c) => c.json(page(c, host.store.hooks.list(hooksParent(targetOf(c)))).map(hookShape(host))));
    api.post(base, async (c) => {
      const target = targetOf(c);
      const facts = factsOf(host, await readFields(c, Asked), undefined);
      const hook = host.store.hooks.insert({ ...facts, target, createdAt: host.now().toISOString() });
      return c.json(hookShape(host)(hook), 201);
    });
    api.get(`${base}/:hook`, (c) => c.json(hookShape(host)(hookOf(c))));
    api.put(`${base}/:hook`, async (c) => {
      const hook = hookOf(c);
      const facts = factsOf(host, await readFields(c, Asked), hook);
      return c.json(hookShape(host)(host.store.hooks.save({ ...hook, ...facts })));
    });
    api.delete(`${base}/:hook`, (c) => {
      host.store.hooks.delete(hookOf(c).id);
      return c.body(null, 204);
    });
    api.get(`${base}/:hook/events`, (c) =>
      c.json(
        page(c, host.store.deliveries.newest(hookOf(c).id, 100)).map(({ id, event, statusCode, status }) => ({
          id,
          trigger: event,
          response_status: statusCode === 0 ? status : String(statusCode),
        })),
      ),
    );
  }
}

function groupOf(host: Host, c: ApiContext): Account {
  const text = c.req.param('group') ?? '';
  const found = /^\d+$/.test(text)
    ? host.store.accounts.find(Number(text))
    : host.store.accounts.findByKey(text.toLowerCase());
  if (found?.type !== 'Organization') throw new Refusal(404, '404 Group Not Found');
  return found;
}

function isOwner(host: Host, c: ApiContext, group: Account): boolean {
  const principal = c.get('principal');
  if (principal.type !== 'user') return false;
  return host.store.grants.findByKey(`organization:${group.id}:${principal.account.id}`)?.role === 'admin';
}

/** What is left out of an edit stays; of something new, pushes alone are told. */
function factsOf(host: Host, asked: Asked, before: Hook | undefined) {
  const told = Object.entries(events).filter(([field, event]) => {
    const given = asked[field as keyof typeof events];
    return given ?? before?.events.includes(event) ?? field === 'push_events';
  });
  const signing = host.gitLab.signingTokens ? asked.signing_token : undefined;
  return {
    url: asked.url,
    events: told.map(([, event]) => event),
    secret: signing ?? asked.token ?? before?.secret ?? '',
    active: true,
  };
}

/** The secret is never shown. GitLab before 19.0 does not even say whether there is one. */
function hookShape(host: Host) {
  return (hook: Hook) => ({
    id: hook.id,
    url: hook.url,
    ...Object.fromEntries(Object.entries(events).map(([field, event]) => [field, hook.events.includes(event)])),
    enable_ssl_verification: true,
    alert_status: hook.active ? 'executable' : 'disabled',
    ...(host.gitLab.signingTokens
      ? {
          token_present: hook.secret !== '' && !hook.secret.startsWith('whsec_'),
          signing_token_present: hook.secret.startsWith('whsec_'),
        }
      : {}),
  });
}
