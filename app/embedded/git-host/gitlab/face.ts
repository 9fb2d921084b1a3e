import { createHmac, randomUUID } from 'node:crypto';
import type { Face } from '../face.ts';
import { markup } from '../github/markup.ts';
import { Refusal } from '../refusal.ts';
import { restFace } from '../rest-face.ts';
import { addCodeRoutes } from './code-routes.ts';
import { deliveriesOf } from './deliveries.ts';
import { addHookRoutes } from './hook-routes.ts';
import { addMergeRequestRoutes } from './merge-request-routes.ts';
import { takeIn } from './quick-actions.ts';
import { addStatusRoutes } from './status-routes.ts';
import { addTokenRoutes } from './token-routes.ts';

const prefix = '/api/v4';
const signingPrefix = 'whsec_';

/**
 * GitLab as far as Slipway uses it. Constructed from its documentation, gitbeaker's types and real webhooks; no GitLab was
 * at hand to compare with.
 */
export const gitLabFace: Face = {
  name: 'gitlab',
  prefix,
  tokenPrefix: 'glpat-',
  rest(host, parts) {
    const api = restFace(host, parts, {
      prefix,
      refuse: (c, { status, message, errors }) => {
        const why = errors.map((each) => each.message ?? `${each.field} is ${each.code}`);
        return c.json({ message: why.length === 0 ? message : why }, status);
      },
      limited(c, state) {
        c.header('RateLimit-Limit', String(state.limit));
        c.header('RateLimit-Remaining', String(Math.max(0, state.limit - state.used)));
        if (state.used > state.limit) throw new Refusal(429, 'Retry later');
      },
    });
    addCodeRoutes(api, host);
    addStatusRoutes(api, host);
    addMergeRequestRoutes(api, host);
    addHookRoutes(api, host);
    addTokenRoutes(api, host);
    return api;
  },
  pages: {
    name: 'GitLab',
    pull: 'merge request',
    sign: '!',
    reactions: true,
    labels: true,
    deployments: true,
    command: '/slipway retry',
    toHtml: (_host, text) => markup(text),
  },
  comment: takeIn,
  deliveriesOf,
  resends: 0,
  headersOf(host, hook, delivery, now) {
    const time = String(Math.floor(now.getTime() / 1_000));
    const key = Buffer.from(hook.secret.slice(signingPrefix.length), 'base64');
    const signature = createHmac('sha256', key).update(`${delivery.guid}.${time}.${delivery.payload}`).digest('base64');
    return {
      'user-agent': 'GitLab/19.0.0',
      'idempotency-key': delivery.guid,
      'x-gitlab-event': delivery.event,
      'x-gitlab-event-uuid': randomUUID(),
      'x-gitlab-webhook-uuid': String(hook.id),
      'x-gitlab-instance': host.url,
      // A signing secret proves the body; a plain token is sent as it is.
      ...(hook.secret.startsWith(signingPrefix)
        ? { 'webhook-id': delivery.guid, 'webhook-timestamp': time, 'webhook-signature': `v1,${signature}` }
        : { 'x-gitlab-token': hook.secret }),
    };
  },
};
