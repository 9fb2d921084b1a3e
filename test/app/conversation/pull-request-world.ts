import { z } from 'zod';
import { WorkingCopy } from '../../../app/embedded/working-copy.ts';
import { startWhole, type WholeSlipway } from '../whole-slipway.ts';

const waitMs = 30_000;
const checks = z.object({
  check_runs: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      conclusion: z.string().nullable(),
      output: z.object({ title: z.string().nullable() }),
    }),
  ),
});
const comments = z.array(z.object({ id: z.number(), body: z.string(), user: z.object({ login: z.string() }) }));
const made = z.object({ id: z.number() });
const pull = z.object({ number: z.number() });
const merged = z.object({ sha: z.string() });
const reactions = z.array(z.object({ content: z.string() }));
const refs = z.object({ commit: z.object({ sha: z.string() }) });

/** A whole Slipway with people: `dev` (admin), `ann` and `bob` (write), `eve` (nothing but reading). */
export async function pullRequestWorld(folder: string) {
  const whole: WholeSlipway = await startWhole(folder);
  const { host } = whole;
  const tokens = new Map<string, string>([['dev', whole.token]]);
  for (const login of ['ann', 'bob', 'eve']) {
    host.createUser(login);
    tokens.set(login, host.createToken(login));
  }
  for (const login of ['ann', 'bob']) host.addCollaborator('acme', 'web', login, 'write');

  async function ask(method: string, path: string, as: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${host.apiUrl}/repos/acme/web${path}`, {
      method,
      headers: { authorization: `Bearer ${tokens.get(as)}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  async function until<T>(what: string, look: () => Promise<T | undefined | null | false>): Promise<T> {
    const deadline = Date.now() + waitMs;
    for (;;) {
      const seen = await look();
      if (seen !== undefined && seen !== null && seen !== false) return seen;
      if (Date.now() > deadline) throw new Error(`It did not happen in time: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  }

  const allComments = async (number: number) =>
    comments.parse(await ask('GET', `/issues/${number}/comments?per_page=100`, 'dev'));

  return {
    whole,
    ask,
    until,
    token: (login: string) => tokens.get(login) ?? '',
    async open(
      branch: string,
      files: Readonly<Record<string, string>>,
      as = 'dev',
      more: Readonly<Record<string, unknown>> = {},
    ): Promise<{ number: number; sha: string }> {
      await whole.copy.pullMain();
      const sha = await whole.copy.push(branch, files, `Change on ${branch}`);
      const opened = await ask('POST', '/pulls', as, {
        title: `A change: ${branch}`,
        head: branch,
        base: 'main',
        body: '',
        ...more,
      });
      return { number: pull.parse(opened).number, sha };
    },
    merge: async (number: number, as = 'dev') => merged.parse(await ask('PUT', `/pulls/${number}/merge`, as, {})).sha,
    mainSha: async () => refs.parse(await ask('GET', '/branches/main', 'dev')).commit.sha,
    comments: allComments,
    comment: async (number: number, as: string, body: string) =>
      made.parse(await ask('POST', `/issues/${number}/comments`, as, { body })).id,
    react: (id: number, as: string, content: string) =>
      ask('POST', `/issues/comments/${id}/reactions`, as, { content }),
    /** Comments, waits for Slipway's last reaction, and returns it with the reply, if any. */
    async say(number: number, as: string, body: string) {
      const { id } = made.parse(await ask('POST', `/issues/${number}/comments`, as, { body }));
      const reaction = await until(`an answer to ${body}`, async () =>
        reactions
          .parse(await ask('GET', `/issues/comments/${id}/reactions`, 'dev'))
          .map(({ content }) => content)
          .find((content) => content !== 'eyes'),
      );
      const reply = (await allComments(number)).find((comment) => comment.body.includes(`slipway answer ${id} `));
      return { id, reaction, reply: reply?.body };
    },
    /** The prompts of a pull request, oldest first. */
    prompts: async (number: number) =>
      (await allComments(number)).filter(({ body }) => body.startsWith('<!-- slipway prompt')),
    check: async (sha: string, name: string) =>
      checks
        .parse(await ask('GET', `/commits/${sha}/check-runs?per_page=100`, 'dev'))
        .check_runs.filter((check) => check.name === name)
        .map(({ status, conclusion, output }) => ({ state: conclusion ?? status, title: output.title ?? '' }))
        .at(-1),
    /** Runs that are under way. */
    runs: () => whole.slipway.loop.drivenRuns(),
    audit: () => whole.slipway.audit.find({}, 50),
    /** The newest run of a commit, as the events tell it. */
    run: (sha: string) => whole.slipway.loop.drivenRuns().find((run) => run.trigger.headSha === sha),
    async copyOf(login: string, url: string): Promise<WorkingCopy> {
      const token = tokens.get(login) ?? '';
      return WorkingCopy.create(`${folder}/${login}`, { url, login, token, email: `${login}@example.com` });
    },
  };
}

export type PullRequestWorld = Awaited<ReturnType<typeof pullRequestWorld>>;

/** A service that answers, deployed by approval of ann or bob to production. */
export function pipelineWith(approval: string, extra = ''): string {
  return `environments:
  production:
    approval: ${approval}
${extra}stages:
  package:
    kind: build
    commands: [mkdir -p out, cp server.js out/]
    artifacts: { out: { app: out } }
  production:
    needs: [package]
    when: { branches: [main] }
    deploy: { environment: production, artifact: app, command: [node, server.js] }
`;
}

export const server = (word: string) =>
  `require('node:http').createServer((_, answer) => answer.end('${word}')).listen(process.env.PORT ?? 8080);\n`;
