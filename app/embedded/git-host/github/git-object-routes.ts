import { z } from 'zod';
import { actorOf } from '../access/principal.ts';
import { announceRefs } from '../domain/refs.ts';
import { isRefName } from '../git/ref-name.ts';
import { gitOf, type Host } from '../host.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Api } from '../rest-face.ts';
import { readBody, repositoryOf } from './api.ts';

const read = { resource: 'contents', level: 'read' } as const;
const write = { resource: 'contents', level: 'write' } as const;
const base = '/repos/:owner/:repo/git';
const hash = z.string().regex(/^[0-9a-f]{40}$/);
const NewCommit = z.object({ message: z.string().min(1), tree: hash, parents: z.array(hash).default([]) });
const NewRef = z.object({ ref: z.string().startsWith('refs/heads/'), sha: hash });

/** Git's own objects: commits and branches made of what is there. */
export function addGitObjectRoutes(api: Api, host: Host): void {
  api.get(`${base}/commits/:sha`, async (c) => {
    const repository = repositoryOf(host, c, read);
    const commit = await gitOf(host, repository.id).commit(c.req.param('sha'));
    if (commit === undefined) throw notFound();
    const { sha, tree, message, parents, author, committer } = commit;
    return c.json({
      sha,
      tree: { sha: tree },
      message,
      parents: parents.map((each) => ({ sha: each })),
      author,
      committer,
    });
  });

  api.post(`${base}/commits`, async (c) => {
    const repository = repositoryOf(host, c, write);
    const { message, tree, parents } = await readBody(c, NewCommit, 'Commit');
    const { account } = actorOf(c.get('principal'));
    const sha = await gitOf(host, repository.id).writeCommit({
      tree,
      parents,
      message,
      author: { name: account.login, email: `${account.login}@users.noreply.localhost` },
      at: host.now(),
    });
    return c.json({ sha, tree: { sha: tree }, message, parents: parents.map((each) => ({ sha: each })) }, 201);
  });

  api.post(`${base}/refs`, async (c) => {
    const repository = repositoryOf(host, c, write);
    const { ref, sha } = await readBody(c, NewRef, 'Reference');
    const git = gitOf(host, repository.id);
    if (!isRefName(ref)) throw new Refusal(422, 'Reference name is invalid');
    if ((await git.resolve(sha)) === undefined) throw new Refusal(422, 'Object does not exist');
    if ((await git.resolve(ref)) !== undefined) throw new Refusal(422, 'Reference already exists');
    await git.git(['update-ref', ref, sha]);
    await announceRefs(host, repository.id, actorOf(c.get('principal')));
    return c.json({ ref, object: { type: 'commit', sha } }, 201);
  });
}
