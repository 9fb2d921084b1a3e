import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { onTestFinished } from 'vitest';
import { openEmbeddedDatabase } from '../../app/embedded/database/embedded-database.ts';
import { Inbox } from '../../app/intake/inbox.ts';
import { KnownRefs } from '../../app/intake/known-refs.ts';
import { missedHostEvent, missedProvider } from '../../app/intake/missed-event.ts';
import { webhookRoutes } from '../../app/intake/webhooks.ts';
import { SweepMissedEvents, type SweepPace } from '../../app/jobs/sweep-missed-events.ts';
import { createApp } from '../../app/server.ts';
import { Sha } from '../../engine/core/trigger.ts';
import type { GitHost, PullRequest } from '../../providers/git-host.ts';
import type { HostShape, PullMove, RefMove, Told } from '../providers/host-shapes.ts';
import { signedHeaders } from '../providers/signing.ts';

/** A delivery that the host has made, and nobody has seen yet. */
export interface Made {
  readonly id: string;
  readonly event: string;
  readonly body: string;
}

function shaOf(text: string): Sha {
  return Sha(createHmac('sha1', 'commits').update(text).digest('hex'));
}

/** A Git host as far as it moves: branches and pull requests change, and each change makes the host's own deliveries. */
export class MovingHost {
  readonly shape: HostShape;
  readonly #branches = new Map<string, Sha[]>();
  readonly #tags = new Map<string, Sha>();
  readonly #pulls = new Map<number, PullRequest>();
  #made = 0;
  /** Set to make every question fail with it. */
  fault: Error | undefined;
  asked = 0;
  /** It lists no more. */
  maxTags = 1_000;

  constructor(shape: HostShape) {
    this.shape = shape;
  }

  /** One push of one branch. */
  push(branch: string, sha?: Sha): Made {
    const [made] = this.#push([this.#move(branch, sha)]);
    if (made === undefined) throw new RangeError('a push of one branch is always told');
    return made;
  }

  /** One push that moves several branches: how many deliveries it makes is the host's own. */
  pushTogether(branches: readonly string[]): readonly Made[] {
    return this.#push(branches.map((branch) => this.#move(branch)));
  }

  /** One push of one tag, new or moved. */
  tag(name: string, sha?: Sha): Made {
    const [made] = this.#push([this.#moveTag(name, sha)]);
    if (made === undefined) throw new RangeError('a push of one tag is always told');
    return made;
  }

  /** `git push --follow-tags` */
  pushTagged(branch: string, tag: string): readonly Made[] {
    const move = this.#move(branch);
    return this.#push([move, this.#moveTag(tag, move.after)]);
  }

  deleteTag(name: string): Made {
    const before = this.#tags.get(name);
    this.#tags.delete(name);
    const gone = { kind: 'tag' as const, name, message: '', ...(before === undefined ? {} : { before }) };
    const [made] = this.#push([gone]);
    if (made === undefined) throw new RangeError('a deletion of one tag is always told');
    return made;
  }

  open(number: number, baseRef = 'main'): Made {
    const headSha = shaOf(`pull ${number} ${this.#made}`);
    const baseSha = this.#branches.get('main')?.at(-1) ?? shaOf('main');
    const refs = { headRef: `topic-${number}`, headSha, headRepositoryId: '11', isFork: false, baseRef, baseSha };
    const person = { author: 'ann', authorId: '3' };
    const pull = { number, title: 'Change', state: 'open' as const, isDraft: false, labels: [], ...refs, ...person };
    return this.#change('opened', pull);
  }

  commit(number: number): Made {
    return this.#change('committed', { ...this.#pull(number), headSha: shaOf(`pull ${number} ${this.#made}`) });
  }

  retarget(number: number, baseRef: string): Made {
    return this.#change('retargeted', { ...this.#pull(number), baseRef });
  }

  /** Some hosts tell it as they tell new commits. */
  retitle(number: number): Made {
    return this.#change('retitled', { ...this.#pull(number), title: `Change ${this.#made}` });
  }

  close(number: number, state: 'closed' | 'merged'): Made {
    return this.#change('ended', { ...this.#pull(number), state });
  }

  /** Where everything stands. */
  standing(): Readonly<Record<string, string>> {
    const branches = [...this.#branches].map(([name, all]) => [`branch ${name}`, all.at(-1) ?? '']);
    const tags = [...this.#tags].map(([name, sha]) => [`tag ${name}`, sha]);
    const pulls = [...this.#pulls.values()].map(({ number, headSha, baseRef, state }) => [
      `pull request ${number}`,
      state === 'open' ? `${headSha} into ${baseRef}` : 'over',
    ]);
    return Object.fromEntries([...branches, ...tags, ...pulls]);
  }

  port(): Pick<
    GitHost,
    'defaultBranch' | 'pullRequest' | 'openPullRequests' | 'branchHead' | 'branchHeads' | 'tagHeads' | 'holds'
  > {
    const answer = async <T>(value: () => T): Promise<T> => {
      this.asked += 1;
      if (this.fault !== undefined) throw this.fault;
      return value();
    };
    return {
      defaultBranch: () => answer(() => 'main'),
      pullRequest: (_, number) => answer(() => this.#pulls.get(number)),
      openPullRequests: () => answer(() => [...this.#pulls.values()].filter(({ state }) => state === 'open')),
      branchHead: (_, branch) => answer(() => this.#branches.get(branch)?.at(-1)),
      branchHeads: () =>
        answer(() => ({
          heads: [...this.#branches].flatMap(([branch, all]) => {
            const sha = all.at(-1);
            return sha === undefined ? [] : [{ branch, sha }];
          }),
          isComplete: true,
        })),
      // In the order of their names, as some hosts list them.
      tagHeads: () =>
        answer(() => {
          const heads = [...this.#tags].sort().map(([tag, sha]) => ({ tag, sha }));
          return { heads: heads.slice(0, this.maxTags), isComplete: heads.length <= this.maxTags };
        }),
      holds: (_, tip, sha) =>
        answer(() =>
          [...this.#branches.values()].some((all) => all.includes(sha) && all.indexOf(sha) <= all.indexOf(tip)),
        ),
    };
  }

  #pull(number: number): PullRequest {
    const pull = this.#pulls.get(number);
    if (pull === undefined) throw new RangeError(`there is no pull request ${number}`);
    return pull;
  }

  #change(what: PullMove['what'], pull: PullRequest): Made {
    const before = this.#pulls.get(pull.number);
    this.#pulls.set(pull.number, pull);
    return this.#make(this.shape.pullRequest({ what, pull, ...(before === undefined ? {} : { before }) }));
  }

  #move(name: string, after = shaOf(`${name} ${this.#made}`)): RefMove & { readonly after: Sha } {
    const all = this.#branches.get(name) ?? [];
    const before = all.at(-1);
    this.#branches.set(name, [...all, after]);
    return { kind: 'branch', name, after, message: `Change ${name}`, ...(before === undefined ? {} : { before }) };
  }

  #moveTag(name: string, after = shaOf(`tag ${name} ${this.#made}`)): RefMove {
    const before = this.#tags.get(name);
    this.#tags.set(name, after);
    return { kind: 'tag', name, after, message: `Tag ${name}`, ...(before === undefined ? {} : { before }) };
  }

  #push(moves: readonly RefMove[]): readonly Made[] {
    // Counted even where nothing is told of it, so that no two pushes make the same commit.
    this.#made += 1;
    return this.shape.pushed(moves).map((told) => this.#make(told));
  }

  #make([event, body]: Told): Made {
    this.#made += 1;
    return { id: `delivery-${this.#made}`, event, body: JSON.stringify(body) };
  }
}

/** Webhooks, inbox, what is known of refs, and the sweep: all real, in time that the test sets. Runs are noted, not run. */
export async function listeningSlipway(host: MovingHost, pace: SweepPace) {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-disorder-'));
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const database = openEmbeddedDatabase({ file: join(folder, 'slipway.db'), onFatal: onError });
  onTestFinished(async () => {
    await database.close();
    rmSync(folder, { recursive: true });
  });
  let now = Date.UTC(2026, 0, 1);
  const clock = { now: () => new Date(now) };
  const refs = new KnownRefs({ database, clock });
  await refs.prepare();
  const { provider, signing, secret } = host.shape;
  const source = host.shape.webhooks(clock.now);
  const port = host.port();
  /** `<subject> <head> into <base>`, as often as it was begun; a pull request that ended is `over`. */
  const begun: string[] = [];
  const last = new Map<string, string>();
  const inbox = new Inbox({
    database,
    clock,
    translate: (from, event, body) => (from === missedProvider ? missedHostEvent(body) : source.translate(event, body)),
    handle: async (event, delivery) => {
      if (event.type === 'gone') return refs.gone(event);
      if (event.type !== 'trigger' && event.type !== 'incomplete') return { ignoredBecause: event.type };
      const news = await refs.news(event, delivery, port);
      if ('ignoredBecause' in news) return news;
      if ('again' in news) return { ignoredBecause: 'only its labels or its draft state changed' };
      const { trigger } = news;
      if (trigger.type === 'push') {
        begun.push(`branch ${trigger.branch} ${trigger.headSha}`);
        last.set(`branch ${trigger.branch}`, trigger.headSha);
      }
      if (trigger.type === 'tag') {
        begun.push(`tag ${trigger.tag} ${trigger.headSha}`);
        last.set(`tag ${trigger.tag}`, trigger.headSha);
      }
      if (trigger.type === 'pull_request') {
        const isOver = trigger.action === 'closed' || trigger.action === 'merged';
        const state = isOver ? 'over' : `${trigger.headSha} into ${trigger.baseRef}`;
        begun.push(`pull request ${trigger.number} ${state}`);
        last.set(`pull request ${trigger.number}`, state);
      }
      await refs.saw(trigger, delivery);
      return {};
    },
    onError,
  });
  await inbox.prepare();
  const app = createApp({
    webhooks: webhookRoutes({ source: (asked) => (asked === provider ? source : undefined), inbox }),
    api: new Hono(),
    apiToken: 'token',
    hosts: () => new Set(),
    isReady: () => true,
    onError,
  });
  const sweeper = new SweepMissedEvents({
    refs,
    hosts: () => ({ ...missingParts(), ...port }),
    take: (delivery) => inbox.take(delivery),
    pace,
    onError,
  });
  return {
    begun,
    last,
    errors,
    async deliver({ id, event, body }: Made): Promise<void> {
      const headers = signedHeaders(signing, secret, Buffer.from(body), { id, event, at: clock.now() });
      const answer = await app.request(`/webhooks/${provider}`, { method: 'POST', body, headers });
      if (answer.status !== 202) throw new Error(`the delivery was answered ${answer.status}`);
      await inbox.idle();
    },
    async sweep(): Promise<number> {
      const { found } = await sweeper.sweepDue();
      await inbox.idle();
      return found;
    },
    passMs(ms: number): void {
      now += ms;
    },
  };
}

/** The sweep asks for nothing of these. */
function missingParts(): GitHost {
  return new Proxy({} as GitHost, {
    get: (_, name) => () => Promise.reject(new TypeError(`nobody should ask for ${String(name)}`)),
  });
}
