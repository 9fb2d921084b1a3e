import { createHmac } from 'node:crypto';
import { addComment } from '../domain/comments.ts';
import type { Face } from '../face.ts';
import { markup } from './markup.ts';
import { restApi } from './router.ts';

/** GitHub: the one whose words the parts that all hosts share speak. Its webhooks are built where things happen. */
export const gitHubFace: Face = {
  name: 'github',
  prefix: '/api/v3',
  tokenPrefix: 'ghp_',
  rest: restApi,
  pages: {
    name: 'GitHub',
    pull: 'pull request',
    sign: '#',
    reactions: true,
    labels: true,
    deployments: true,
    command: '/retry',
    toHtml: (_host, text) => markup(text),
  },
  comment: async (host, pull, actor, body) => addComment(host, pull, actor, body),
  deliveriesOf: () => [],
  resends: 0,
  headersOf(_host, hook, delivery) {
    const { target: on } = hook;
    const target = on.type === 'integration' ? on.appId : on.type === 'repository' ? on.repositoryId : on.accountId;
    const sign = (algorithm: 'sha1' | 'sha256'): string =>
      `${algorithm}=${createHmac(algorithm, hook.secret).update(delivery.payload).digest('hex')}`;
    return {
      'user-agent': 'GitHub-Hookshot/slipway',
      'x-github-delivery': delivery.guid,
      'x-github-event': delivery.event,
      'x-github-hook-id': String(hook.id),
      'x-github-hook-installation-target-id': String(target),
      'x-github-hook-installation-target-type': hook.target.type,
      ...(hook.secret === '' ? {} : { 'x-hub-signature': sign('sha1'), 'x-hub-signature-256': sign('sha256') }),
    };
  },
};
