import { z } from 'zod';
import { roleOf } from '../access/authorize.ts';
import type { Account, Hook } from '../entities.ts';
import type { Host } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Api, ApiContext } from '../rest-face.ts';
import { hooksParent } from '../store.ts';
import { page, readBody, repositoryOf } from './api.ts';
import { idIn, timeOf, uuidOf } from './identity.ts';
import { fullRepositoryShape } from './shapes.ts';

const Asked = z.object({
  url: z.url(),
  description: z.string().optional(),
  active: z.boolean().optional(),
  secret: z.string().nullable().optional(),
  events: z.array(z.string()).min(1).optional(),
});
type Asked = z.infer<typeof Asked>;

/** Workspaces, what is in them, and webhooks of both: for administrators. */
export function addHookRoutes(api: Api, host: Host): void {
  api.get('/workspaces/:workspace', (c) => {
    const { id, login, name } = workspaceOf(host, c);
    return c.json({ type: 'workspace', uuid: uuidOf(id), name: name ?? login, slug: login });
  });
  api.get('/repositories/:workspace', (c) => {
    const principal = c.get('principal');
    const seen = host.store.repositories
      .list(workspaceOf(host, c).id)
      .filter((each) => principal.type === 'user' && roleOf(host, each, principal.account.id) !== 'none');
    return c.json(
      page(
        c,
        seen.map((each) => fullRepositoryShape(host, each)),
        100,
      ),
    );
  });

  for (const base of ['/repositories/:workspace/:slug/hooks', '/workspaces/:workspace/hooks'] as const) {
    const targetOf = (c: ApiContext): Hook['target'] => {
      if (base.startsWith('/repositories')) {
        const needed = { resource: 'administration', level: 'write', role: 'admin' } as const;
        return { type: 'repository', repositoryId: repositoryOf(host, c, needed).id };
      }
      const workspace = workspaceOf(host, c);
      const principal = c.get('principal');
      const grant =
        principal.type === 'user'
          ? host.store.grants.findByKey(`organization:${workspace.id}:${principal.account.id}`)
          : undefined;
      if (grant?.role !== 'admin')
        throw new Refusal(403, 'Your credentials lack one or more required privilege scopes.');
      return { type: 'owner', accountId: workspace.id };
    };
    const hookOf = (c: ApiContext): Hook => {
      const target = targetOf(c);
      const id = idIn(c.req.param('hook') ?? '');
      const found = id === undefined ? undefined : host.store.hooks.find(id);
      if (found === undefined || hooksParent(found.target) !== hooksParent(target)) throw notFound();
      return found;
    };
    api.get(base, (c) => c.json(page(c, host.store.hooks.list(hooksParent(targetOf(c))).map(hookShape), 100)));
    api.post(base, async (c) => {
      const target = targetOf(c);
      const facts = factsOf(await readBody(c, Asked), undefined);
      return c.json(hookShape(host.store.hooks.insert({ ...facts, target, createdAt: host.now().toISOString() })), 201);
    });
    api.put(`${base}/:hook`, async (c) => {
      const hook = hookOf(c);
      const facts = factsOf(await readBody(c, Asked), hook);
      return c.json(hookShape(host.store.hooks.save({ ...hook, ...facts })));
    });
    api.delete(`${base}/:hook`, (c) => {
      host.store.hooks.delete(hookOf(c).id);
      return c.body(null, 204);
    });
  }
}

function workspaceOf(host: Host, c: ApiContext): Account {
  const found = host.store.accounts.findByKey((c.req.param('workspace') ?? '').toLowerCase());
  if (found?.type !== 'Organization') throw new Refusal(404, 'No workspace with that name');
  return found;
}

/** What is left out of an edit stays as it was. */
function factsOf(asked: Asked, before: Hook | undefined) {
  return {
    url: asked.url,
    events: asked.events ?? before?.events ?? [],
    secret: asked.secret === undefined ? (before?.secret ?? '') : (asked.secret ?? ''),
    active: asked.active ?? before?.active ?? true,
  };
}

/** The secret is never shown. */
function hookShape(hook: Hook) {
  return {
    type: 'webhook_subscription',
    uuid: uuidOf(hook.id),
    url: hook.url,
    subject_type: hook.target.type === 'owner' ? 'workspace' : 'repository',
    active: hook.active,
    events: hook.events,
    secret_set: hook.secret !== '',
    created_at: timeOf(hook.createdAt),
  };
}
