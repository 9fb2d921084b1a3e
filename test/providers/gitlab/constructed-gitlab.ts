import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { z } from 'zod';

/**
 * A GitLab that was constructed from the documentation and the types of gitbeaker, not recorded: no GitLab is at hand.
 * Its words and status codes are those that GitLab's source and other projects' bug reports tell.
 */
export interface ConstructedGitLab {
  readonly url: string;
  readonly state: GitLabState;
  /** Requests so far: method, path with query, body. */
  readonly requests: { readonly method: string; readonly path: string; readonly body: unknown }[];
  /** Answers the next request whose path matches. */
  fault(fault: Fault): void;
}

export interface Fault {
  readonly match: RegExp;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly delayMs?: number;
}

export interface GitLabState {
  readonly files: Record<string, Readonly<Record<string, string | Buffer>>>;
  readonly branches: Record<string, string>;
  readonly diffs: readonly { readonly old_path: string; readonly new_path: string }[];
  readonly mergeRequest: Record<string, unknown>;
  readonly users: readonly { readonly id: number; readonly username: string }[];
  readonly members: Record<number, Record<string, unknown>>;
  /** Groups, with the ids of their members. */
  readonly groups: Readonly<Record<string, readonly number[]>>;
  readonly notes: Note[];
  readonly awards: { readonly noteId: number; readonly name: string; readonly userId: number }[];
  readonly statuses: { readonly id: number; readonly sha: string; readonly name: string; status: string }[];
  readonly deployments: { readonly id: number; status: string }[];
}

interface Note {
  readonly id: number;
  body: string;
  readonly author: { readonly id: number; readonly username: string };
  readonly system: boolean;
  readonly created_at: string;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

type Route = readonly [string, RegExp, (match: RegExpExecArray, query: URLSearchParams, body: Body) => Answer];

const Body = z.record(z.string(), z.unknown());
type Body = z.infer<typeof Body>;

const project = '/projects/7';
const bot = { id: 99, username: 'project_7_bot' };
const ok = (body: unknown, status = 200): Answer => ({ status, body });
const refuse = (status: number, message: unknown): Answer => ({ status, body: { message } });

function routes(state: GitLabState): readonly Route[] {
  let lastId = 100;
  const nextId = () => {
    lastId += 1;
    return lastId;
  };
  const note = (id: string | undefined) => state.notes.find((each) => each.id === Number(id));
  const request = (iid: string | undefined) => Number(iid) === state.mergeRequest['iid'];
  const notFound = refuse(404, '404 Not found');
  return [
    ['GET', /^\/user$/, () => ok(bot)],
    ['GET', /^\/users$/, (_, query) => ok(state.users.filter(({ username }) => username === query.get('username')))],
    [
      'GET',
      /^\/members\/all\/(\d+)$/,
      ([, id]) => {
        const member = state.members[Number(id)];
        return member === undefined ? notFound : ok(member);
      },
    ],
    [
      'GET',
      /^\/groups\/([^/]+)\/members\/all\/(\d+)$/,
      ([, group = '', id]) =>
        state.groups[decodeURIComponent(group)]?.includes(Number(id))
          ? ok({ id: Number(id), access_level: 30, state: 'active', membership_state: 'active' })
          : notFound,
    ],
    ['GET', /^\/repository\/commits\/\w+\/merge_requests$/, () => ok([state.mergeRequest])],
    // Its only two commits: the second comes after the first.
    ['GET', /^\/repository\/merge_base$/, () => ok({ id: state.branches['main'] })],
    ['GET', /^$/, () => ok({ id: 7, default_branch: 'main' })],
    [
      'GET',
      /^\/repository\/files\/([^/]+)\/raw$/,
      ([, path = ''], query) => {
        const files = state.files[query.get('ref') ?? ''];
        if (files === undefined) return refuse(404, '404 Commit Not Found');
        const text = files[decodeURIComponent(path)];
        return text === undefined
          ? refuse(404, '404 File Not Found')
          : ok(Buffer.isBuffer(text) ? text : Buffer.from(text));
      },
    ],
    [
      'GET',
      /^\/repository\/tree$/,
      (_, query) => {
        const files = state.files[query.get('ref') ?? ''];
        if (files === undefined) return refuse(404, '404 Tree Not Found');
        return ok([{ path: 'src', type: 'tree' }, ...Object.keys(files).map((path) => ({ path, type: 'blob' }))]);
      },
    ],
    [
      'GET',
      /^\/repository\/compare$/,
      (_, query) =>
        state.files[query.get('from') ?? ''] === undefined || state.files[query.get('to') ?? ''] === undefined
          ? refuse(404, '404 Ref Not Found')
          : ok({ commits: [{}], diffs: state.diffs, compare_timeout: false }),
    ],
    [
      'GET',
      /^\/repository\/branches$/,
      () => ok(Object.entries(state.branches).map(([name, id]) => ({ name, commit: { id } }))),
    ],
    [
      'GET',
      /^\/repository\/branches\/([^/]+)$/,
      ([, name = '']) => {
        const id = state.branches[decodeURIComponent(name)];
        return id === undefined ? refuse(404, '404 Branch Not Found') : ok({ commit: { id } });
      },
    ],
    [
      'GET',
      /^\/repository\/commits\/(\w+)$/,
      ([, sha = '']) =>
        state.files[sha] === undefined
          ? refuse(404, '404 Commit Not Found')
          : ok({ id: sha, last_pipeline: { id: 55 } }),
    ],
    [
      'POST',
      /^\/statuses\/(\w+)$/,
      ([, sha = ''], _, body) => {
        const [name, status] = [String(body['name']), String(body['state'])];
        const open = state.statuses.find((it) => it.name === name && /pending|running/.test(it.status));
        if (open === undefined) {
          const made = { id: nextId(), sha, name, status };
          state.statuses.push(made);
          return ok(made, 201);
        }
        if (open.status === status || status === 'pending') {
          return refuse(400, `Cannot transition status via :enqueue from :${open.status} (Reason(s): ...)`);
        }
        open.status = status;
        return ok(open, 201);
      },
    ],
    ['GET', /^\/repository\/commits\/\w+\/statuses$/, () => ok(state.statuses)],
    ['GET', /^\/merge_requests$/, () => ok([state.mergeRequest])],
    ['GET', /^\/merge_requests\/(\d+)$/, ([, iid]) => (request(iid) ? ok(state.mergeRequest) : notFound)],
    [
      'PUT',
      /^\/merge_requests\/(\d+)$/,
      (_match, _query, body) => {
        const list = (key: string) =>
          String(body[key] ?? '')
            .split(',')
            .filter((name) => name !== '');
        const labels = z.array(z.string()).parse(state.mergeRequest['labels']);
        const removed = list('remove_labels');
        state.mergeRequest['labels'] = [...new Set([...labels, ...list('add_labels')])].filter(
          (it) => !removed.includes(it),
        );
        return ok(state.mergeRequest);
      },
    ],
    ['GET', /^\/merge_requests\/(\d+)\/diffs$/, () => ok(state.diffs)],
    ['GET', /^\/merge_requests\/(\d+)\/notes$/, () => ok(state.notes)],
    [
      'POST',
      /^\/merge_requests\/(\d+)\/notes$/,
      (_match, _query, body) => {
        const made = {
          id: nextId(),
          body: String(body['body']),
          author: bot,
          system: false,
          created_at: '2026-01-01T00:00:00Z',
        };
        state.notes.push(made);
        return ok(made, 201);
      },
    ],
    [
      'GET',
      /^\/merge_requests\/(\d+)\/notes\/(\d+)$/,
      ([, iid, id]) => {
        const found = note(id);
        return found === undefined || !request(iid) ? notFound : ok(found);
      },
    ],
    [
      'PUT',
      /^\/merge_requests\/(\d+)\/notes\/(\d+)$/,
      ([, , id], _query, body) => {
        const found = note(id);
        if (found === undefined) return notFound;
        found.body = String(body['body']);
        return ok(found);
      },
    ],
    [
      'GET',
      /^\/merge_requests\/\d+\/notes\/(\d+)\/award_emoji$/,
      ([, id]) =>
        ok(state.awards.filter(({ noteId }) => noteId === Number(id)).map(({ name }) => ({ name, user: bot }))),
    ],
    [
      'POST',
      /^\/merge_requests\/\d+\/notes\/(\d+)\/award_emoji$/,
      ([, id], query, body) => {
        const name = String(body['name'] ?? query.get('name'));
        if (state.awards.some((each) => each.noteId === Number(id) && each.name === name)) {
          return refuse(404, '404 Award Emoji Name has already been taken Not Found');
        }
        state.awards.push({ noteId: Number(id), name, userId: bot.id });
        return ok({ id: nextId(), name, user: bot }, 201);
      },
    ],
    [
      'POST',
      /^\/deployments$/,
      (_match, _query, body) => {
        const made = { id: nextId(), status: String(body['status']) };
        state.deployments.push(made);
        return ok(made, 201);
      },
    ],
    ['GET', /^\/deployments\/(\d+)$/, ([, id]) => ok(state.deployments.find((each) => each.id === Number(id)))],
    [
      'PUT',
      /^\/deployments\/(\d+)$/,
      ([, id], _query, body) => {
        const found = state.deployments.find((each) => each.id === Number(id));
        if (found === undefined) return notFound;
        if (found.status === body['status']) return refuse(400, 'Status cannot transition via "run"');
        found.status = String(body['status']);
        return ok(found);
      },
    ],
  ];
}

export async function constructedGitLab(state: GitLabState, token: string): Promise<ConstructedGitLab> {
  const all = routes(state);
  const faults: Fault[] = [];
  const requests: ConstructedGitLab['requests'] = [];
  const server = createServer(async (incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://gitlab');
    const body = await bodyOf(incoming);
    requests.push({ method: incoming.method ?? '', path: `${url.pathname}${url.search}`, body });
    const index = faults.findIndex(({ match }) => match.test(url.pathname));
    const [fault] = index < 0 ? [] : faults.splice(index, 1);
    if (fault?.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    if (fault?.status !== undefined) {
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      response.end(fault.body ?? '{"message":"constructed fault"}');
      return;
    }
    const answer =
      incoming.headers.authorization === `Bearer ${token}`
        ? answerTo(all, incoming.method ?? '', url, body)
        : refuse(401, '401 Unauthorized');
    if (Buffer.isBuffer(answer.body)) {
      response.writeHead(answer.status, { 'content-type': 'text/plain' });
      response.end(answer.body);
      return;
    }
    const { content, next } = pageOf(answer.body, url);
    const link = next === undefined ? {} : { link: `<${next}>; rel="next"` };
    response.writeHead(answer.status, { 'content-type': 'application/json', ...link });
    response.end(JSON.stringify(content));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, state, requests, fault: (fault) => faults.push(fault) };
}

function answerTo(all: readonly Route[], method: string, { pathname, searchParams }: URL, body: Body): Answer {
  const path = pathname.replace(/^\/api\/v4/, '');
  const isOfProject = path === project || path.startsWith(`${project}/`);
  if (path.startsWith('/projects/') && !isOfProject) return refuse(404, '404 Project Not Found');
  const rest = isOfProject ? path.slice(project.length) : path;
  for (const [verb, pattern, answer] of all) {
    const match = verb === method ? pattern.exec(rest) : null;
    if (match !== null) return answer(match, searchParams, body);
  }
  return { status: 404, body: { error: '404 Not Found' } };
}

/** Lists come in pages of 20 unless asked otherwise, of 100 at most; the next one is named in `Link`. */
function pageOf(content: unknown, url: URL): { readonly content: unknown; readonly next?: string } {
  if (!Array.isArray(content)) return { content };
  const perPage = Math.min(100, Number(url.searchParams.get('per_page') ?? 20));
  const page = Number(url.searchParams.get('page') ?? 1);
  const next = new URL(url);
  next.searchParams.set('page', String(page + 1));
  return {
    content: content.slice((page - 1) * perPage, page * perPage),
    ...(content.length > page * perPage ? { next: next.href } : {}),
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<Body> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(Buffer.from(part));
  const text = Buffer.concat(parts).toString();
  return text === '' ? {} : Body.parse(JSON.parse(text));
}
