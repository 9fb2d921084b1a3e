import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context, Hono } from 'hono';
import { requireAccess } from '../access/authorize.ts';
import { actorOf, principalOf } from '../access/principal.ts';
import { moveQueues } from '../domain/merge-queue.ts';
import { announceRefs } from '../domain/refs.ts';
import type { Repository } from '../entities.ts';
import { findRepository, gitOf, type Host } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import { type GitService, serveGit } from './smart-http.ts';

/** A clone or push that takes longer is broken off. */
const timeLimitMs = 10 * 60 * 1000;

interface GitEnv {
  Bindings: HttpBindings;
}

/** `git clone`, `fetch` and `push`; the smart protocol alone. */
export function addGitRoutes(app: Hono<GitEnv>, host: Host): void {
  app.get('/:owner/:repo/info/refs', async (c) => {
    const service = c.req.query('service');
    if (service !== 'git-upload-pack' && service !== 'git-receive-pack')
      return c.text('This host speaks the smart protocol only.\n', 403);
    return await serve(host, c, service, '/info/refs', `service=${service}`);
  });
  for (const service of ['git-upload-pack', 'git-receive-pack'] as const)
    app.post(`/:owner/:repo/${service}`, async (c) => {
      // Also keeps web pages out: they cannot send this type to another origin without being asked first.
      if (c.req.header('content-type') !== `application/x-${service}-request`)
        return c.text('Wrong content type\n', 415);
      return await serve(host, c, service, `/${service}`, '');
    });
}

async function serve(
  host: Host,
  c: Context<GitEnv>,
  service: GitService,
  path: string,
  query: string,
): Promise<Response> {
  try {
    if (c.req.header('origin') !== undefined) throw new Refusal(403, 'Requests from web pages are refused');
    const principal = await principalOf(host, c.req.header('authorization'));
    const repository = repositoryIn(host, c);
    const isPush = service === 'git-receive-pack';
    // Asking who one is comes before saying that there is nothing, or git would never send its credentials.
    if (principal.type === 'anonymous' && (isPush || (repository?.private ?? true)))
      throw new Refusal(401, 'Requires authentication');
    if (repository === undefined) throw notFound();
    requireAccess(host, principal, repository, { resource: 'contents', level: isPush ? 'write' : 'read' });
    const actor = principal.type === 'anonymous' ? undefined : actorOf(principal);
    await serveGit({
      repositoryPath: gitOf(host, repository.id).path,
      path,
      query,
      user: actor?.account.login ?? '',
      incoming: c.env.incoming,
      outgoing: c.env.outgoing,
      timeoutMs: timeLimitMs,
      beforeEnd: async () => {
        if (actor === undefined || c.req.method !== 'POST' || !isPush) return;
        await announceRefs(host, repository.id, actor);
        await moveQueues(host, repository.id);
      },
    });
    return RESPONSE_ALREADY_SENT;
  } catch (error) {
    if (c.env.outgoing.headersSent) {
      host.log.error({ err: error }, 'a git request broke off');
      c.env.outgoing.destroy();
      return RESPONSE_ALREADY_SENT;
    }
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 401) c.header('WWW-Authenticate', 'Basic realm="Slipway embedded Git host", charset="UTF-8"');
    return c.text(`${error.message}\n`, error.status);
  }
}

function repositoryIn(host: Host, c: Context<GitEnv>): Repository | undefined {
  return findRepository(host, c.req.param('owner') ?? '', (c.req.param('repo') ?? '').replace(/\.git$/, ''));
}
