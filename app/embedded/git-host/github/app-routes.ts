import { z } from 'zod';
import { covers } from '../access/authorize.ts';
import { suspended } from '../access/principal.ts';
import { findToken, issueToken } from '../access/secrets.ts';
import { privateKeyOf } from '../domain/apps.ts';
import { registerOAuthApp } from '../domain/oauth-apps.ts';
import { type App, type Delivery, type Installation, Permissions } from '../entities.ts';
import { findRepository, type Host } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Api, ApiContext } from '../rest-face.ts';
import { redeliver } from '../webhooks/emit.ts';
import { numberParam, paginate, readBody } from './api.ts';
import { appShape, installationShape } from './shapes/account.ts';
import { repositoryShape } from './shapes/repository.ts';

const tokenLifetimeMs = 60 * 60 * 1000;

const TokenRequest = z.object({
  repositories: z.array(z.string()).max(500).optional(),
  repository_ids: z.array(z.number().int()).max(500).optional(),
  permissions: Permissions.optional(),
});

/** Endpoints that an App uses as itself, and what its installation tokens list. */
export function addAppRoutes(api: Api, host: Host): void {
  api.post('/app-manifests/:code/conversions', async (c) => {
    const token = findToken(host, c.req.param('code'));
    if (token?.for.type !== 'app-manifest') throw notFound();
    const app = host.store.apps.get(token.for.appId);
    // Once: whoever comes second gets nothing.
    host.store.tokens.delete(token.id);
    const hook = hookOf(host, app);
    const { clientId, name } = app;
    const redirectUrls = host.store.oauthApps.findByKey(clientId)?.redirectUrls ?? [];
    return c.json(
      {
        ...appShape(host, app),
        client_secret: registerOAuthApp(host, { clientId, name, redirectUrls }).clientSecret,
        webhook_secret: hook.secret,
        pem: await privateKeyOf(host, app),
      },
      201,
    );
  });

  api.get('/app', (c) => {
    const app = requireApp(c);
    return c.json({ ...appShape(host, app), installations_count: installationsOf(host, app).length });
  });

  api.get('/app/installations', (c) =>
    c.json(
      paginate(
        c,
        installationsOf(host, requireApp(c)).map((each) => installationShape(host, each)),
      ),
    ),
  );

  api.get('/app/installations/:id', (c) => c.json(installationShape(host, ownInstallation(host, c))));

  api.post('/app/installations/:id/access_tokens', async (c) => {
    const installation = ownInstallation(host, c);
    if (installation.suspendedAt !== null) throw suspended();
    const wanted = await readBody(c, TokenRequest, 'AccessToken');
    const repositoryIds = narrowed(host, installation, wanted);
    const permissions = wanted.permissions ?? installation.permissions;
    for (const [resource, level] of Object.entries(permissions))
      if (!covers(resource === 'metadata' ? 'read' : (installation.permissions[resource] ?? 'none'), level))
        throw new Refusal(422, 'The permissions requested are not granted to this installation.');
    const { secret, expiresAt } = issueToken(
      host,
      'ghs_',
      { type: 'installation', installationId: installation.id, repositoryIds, permissions },
      tokenLifetimeMs,
    );
    return c.json(
      {
        token: secret,
        expires_at: expiresAt,
        permissions,
        repository_selection: repositoryIds === null ? 'all' : 'selected',
        ...(repositoryIds === null
          ? {}
          : { repositories: repositoryIds.map((id) => repositoryShape(host, host.store.repositories.get(id))) }),
      },
      201,
    );
  });

  api.get('/repos/:owner/:repo/installation', (c) => {
    const app = requireApp(c);
    const repository = findRepository(host, c.req.param('owner'), c.req.param('repo'));
    const installation = installationsOf(host, app).find(({ accountId }) => accountId === repository?.ownerId);
    if (installation === undefined) throw notFound();
    return c.json(installationShape(host, installation));
  });

  for (const path of ['/orgs/:login/installation', '/users/:login/installation'] as const)
    api.get(path, (c) => {
      const app = requireApp(c);
      const account = host.store.accounts.findByKey(c.req.param('login').toLowerCase());
      const installation = installationsOf(host, app).find(({ accountId }) => accountId === account?.id);
      if (installation === undefined) throw notFound();
      return c.json(installationShape(host, installation));
    });

  api.get('/installation/repositories', (c) => {
    const principal = c.get('principal');
    if (principal.type !== 'installation') throw new Refusal(403, 'Resource not accessible by integration');
    const { repositoryIds } = principal;
    const repositories = host.store.repositories
      .list(principal.installation.accountId)
      .filter(({ id }) => repositoryIds === null || repositoryIds.includes(id));
    return c.json({
      total_count: repositories.length,
      repository_selection: repositoryIds === null ? 'all' : 'selected',
      repositories: paginate(c, repositories).map((each) => repositoryShape(host, each)),
    });
  });

  api.get('/app/hook/config', (c) => {
    const hook = hookOf(host, requireApp(c));
    return c.json({ content_type: 'json', insecure_ssl: '0', secret: '********', url: hook.url });
  });

  api.get('/app/hook/deliveries', (c) => {
    const hook = hookOf(host, requireApp(c));
    const deliveries = host.store.deliveries.newest(hook.id, 2_000);
    return c.json(paginate(c, deliveries).map(deliveryItem));
  });

  api.get('/app/hook/deliveries/:id', (c) => {
    const delivery = ownDelivery(host, c);
    return c.json({
      ...deliveryItem(delivery),
      url: hookOf(host, requireApp(c)).url,
      request: { headers: delivery.requestHeaders, payload: JSON.parse(delivery.payload) },
      response: { headers: delivery.responseHeaders, payload: delivery.responseBody },
    });
  });

  api.post('/app/hook/deliveries/:id/attempts', (c) => {
    redeliver(host, ownDelivery(host, c));
    return c.json({}, 202);
  });
}

function requireApp(c: ApiContext): App {
  const principal = c.get('principal');
  if (principal.type !== 'app') throw new Refusal(401, 'A JSON web token could not be decoded');
  return principal.app;
}

function installationsOf(host: Host, app: App): Installation[] {
  return host.store.installations.all().filter(({ appId }) => appId === app.id);
}

function ownInstallation(host: Host, c: ApiContext): Installation {
  const app = requireApp(c);
  const installation = host.store.installations.find(numberParam(c, 'id'));
  if (installation?.appId !== app.id) throw notFound();
  return installation;
}

function hookOf(host: Host, app: App) {
  const [hook] = host.store.hooks.list(`app:${app.id}`);
  if (hook === undefined) throw notFound();
  return hook;
}

function ownDelivery(host: Host, c: ApiContext): Delivery {
  const hook = hookOf(host, requireApp(c));
  const delivery = host.store.deliveries.find(numberParam(c, 'id'));
  if (delivery?.hookId !== hook.id) throw notFound();
  return delivery;
}

function deliveryItem(delivery: Delivery) {
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: delivery.deliveredAt,
    redelivery: delivery.redelivery,
    duration: delivery.durationMs / 1000,
    status: delivery.status,
    status_code: delivery.statusCode,
    event: delivery.event,
    action: delivery.action,
    installation_id: delivery.installationId,
    repository_id: delivery.repositoryId,
    throttled_at: null,
  };
}

/** The ids that a token is narrowed to; null for all. @throws Refusal 422 for repositories of others */
function narrowed(host: Host, installation: Installation, wanted: z.infer<typeof TokenRequest>): number[] | null {
  if (wanted.repositories === undefined && wanted.repository_ids === undefined) return null;
  const own = host.store.repositories.list(installation.accountId);
  const byName = (wanted.repositories ?? []).map(
    (name) => own.find((each) => each.name.toLowerCase() === name.toLowerCase())?.id,
  );
  const byId = (wanted.repository_ids ?? []).map((id) => own.find((each) => each.id === id)?.id);
  const ids = [...byName, ...byId].filter((id) => id !== undefined);
  if (ids.length < byName.length + byId.length)
    throw new Refusal(
      422,
      'There is at least one repository that does not exist or is not accessible to the parent installation.',
    );
  return [...new Set(ids)];
}
