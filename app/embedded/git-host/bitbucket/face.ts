import { createHmac } from 'node:crypto';
import { addComment } from '../domain/comments.ts';
import type { Face } from '../face.ts';
import { Refusal } from '../refusal.ts';
import { restFace } from '../rest-face.ts';
import { addCheckRoutes } from './check-routes.ts';
import { addCodeRoutes } from './code-routes.ts';
import { deliveriesOf } from './deliveries.ts';
import { addHookRoutes } from './hook-routes.ts';
import { uuidOf } from './identity.ts';
import { markup, withNames } from './markup.ts';
import { addPullRoutes } from './pull-routes.ts';

const prefix = '/2.0';

/**
 * Bitbucket Cloud as far as Slipway uses it. Constructed from its published API description and from real webhooks; no
 * Bitbucket was at hand to compare with.
 */
export const bitbucketFace: Face = {
  name: 'bitbucket',
  prefix,
  tokenPrefix: 'ATATT',
  rest(host, parts) {
    const api = restFace(host, parts, {
      prefix,
      refuse: (c, { status, message }) => c.json({ type: 'error', error: { message } }, status),
      limited(_, state) {
        if (state.used > state.limit) throw new Refusal(429, 'Rate limit for this resource has been exceeded');
      },
    });
    addCodeRoutes(api, host);
    addCheckRoutes(api, host);
    addPullRoutes(api, host);
    addHookRoutes(api, host);
    return api;
  },
  pages: {
    name: 'Bitbucket',
    pull: 'pull request',
    sign: '#',
    reactions: false,
    labels: false,
    deployments: false,
    command: '/retry',
    toHtml: (host, text) => markup(withNames(host, text)),
  },
  comment: async (host, pull, actor, body) => addComment(host, pull, actor, body),
  deliveriesOf,
  resends: 2,
  headersOf(_host, hook, delivery, _now, attempt) {
    return {
      'user-agent': 'Bitbucket-Webhooks/2.0',
      'x-attempt-number': String(attempt),
      'x-event-key': delivery.event,
      'x-hook-uuid': uuidOf(hook.id).slice(1, -1),
      'x-request-uuid': delivery.guid,
      ...(hook.secret === ''
        ? {}
        : { 'x-hub-signature': `sha256=${createHmac('sha256', hook.secret).update(delivery.payload).digest('hex')}` }),
    };
  },
};
