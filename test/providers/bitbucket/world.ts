import { z } from 'zod';
import { createBitbucketHost } from '../../../providers/bitbucket/adapter.ts';
import type { GitHostWorld } from '../../contract/git-host.ts';
import { ask, pushTag, startFace } from '../contract-repository.ts';

const states: Readonly<Record<string, string>> = { INPROGRESS: 'running', SUCCESSFUL: 'success', FAILED: 'failure' };
export const cloneToken = 'reads-code-alone-for-tests';

const Account = z.object({ account_id: z.string() });
const Pull = z.object({ id: z.number() });
const Repository = z.object({ uuid: z.string() });
const Comment = z.object({
  id: z.number(),
  deleted: z.boolean(),
  content: z.object({ raw: z.string() }),
  user: Account,
});
const Status = z.object({
  name: z.string(),
  key: z.string(),
  state: z.string(),
  description: z.string(),
  url: z.string(),
  refname: z.string().optional(),
});
const Values = <T>(of: z.ZodType<T>) => z.object({ values: z.array(of), size: z.number() });

/** The Bitbucket adapter against the embedded Git host with Bitbucket's face, with the contract's pull request. */
export async function bitbucketWorld(options: { readonly timeoutMs?: number } = {}) {
  const world = await startFace('bitbucket');
  const { host: embedded, person, baseSha, headSha } = world;
  const ann = person('ann').token;
  const api = `${embedded.apiUrl}/repositories/acme/web`;
  const { uuid } = Repository.parse(await ask(api, ann));
  const { id: number } = Pull.parse(
    await ask(`${api}/pullrequests`, ann, {
      method: 'POST',
      body: { title: 'Two', source: { branch: { name: 'topic' } }, destination: { branch: { name: 'main' } } },
    }),
  );
  const accountId = async (login: string) =>
    Account.parse(await ask(`${embedded.apiUrl}/user`, person(login).token)).account_id;
  const statuses = async () =>
    Values(Status).parse(await ask(`${api}/commit/${headSha}/statuses?pagelen=100`, ann)).values;
  const annotations = async (key: string) =>
    Values(z.unknown()).parse(
      await ask(`${api}/commit/${headSha}/reports/slipway-${key}/annotations`, ann).catch(() => ({
        values: [],
        size: 0,
      })),
    ).size;
  const contract: GitHostWorld = {
    host: createBitbucketHost({
      apiUrl: embedded.apiUrl,
      url: embedded.url,
      email: 'bot@example.com',
      token: person('slipway-bot').token,
      cloneToken,
      ...options,
    }),
    repository: { provider: 'bitbucket', tenant: 'bitbucket:acme', id: uuid, owner: 'acme', name: 'web' },
    number,
    baseSha,
    headSha,
    team: 'acme/shippers',
    people: { writer: await accountId('ann'), reader: await accountId('bob'), stranger: await accountId('mallory') },
    async comment(raw) {
      const made = await ask(`${api}/pullrequests/${number}/comments`, ann, {
        method: 'POST',
        body: { content: { raw } },
      });
      return String(Comment.parse(made).id);
    },
    async comments() {
      const found = await ask(`${api}/pullrequests/${number}/comments?pagelen=100`, ann);
      return Values(Comment)
        .parse(found)
        .values.filter(({ deleted }) => !deleted)
        .map(({ user, content }) => ({ author: user.account_id, body: content.raw }));
    },
    tag: (name) => pushTag(world.clone, name),
    async merge() {
      await ask(`${api}/pullrequests/${number}/merge`, ann, { method: 'POST', body: {} });
    },
    async deleteComment(id) {
      await ask(`${api}/pullrequests/${number}/comments/${id}`, person('slipway-bot').token, { method: 'DELETE' });
    },
    async checks() {
      return Promise.all(
        (await statuses()).map(async ({ name, key, state }) => ({
          name,
          state: states[state] ?? state,
          annotations: await annotations(key),
        })),
      );
    },
  };
  return {
    ...contract,
    ...world,
    host: contract.host,
    repository: contract.repository,
    embedded,
    api,
    statuses,
    annotations,
  };
}
