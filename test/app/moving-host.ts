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
import { gitHubWebhooks } from '../../providers/github/webhook.ts';

const secret = 'a secret for tests alone';
const common = {
  installation: { id: 7 },
  repository: { id: 11, name: 'web', full_name: 'acme/web', default_branch: 'main' },
  sender: { login: 'ann', id: 3 },
};

/** A delivery that the host has made, and nobody has seen yet. */
export interface Made {
  readonly id: string;
  readonly event: string;
  readonly body: string;
}

function shaOf(text: string): Sha {
  return Sha(createHmac('sha1', 'commits').update(text).digest('hex'));
}

/** A Git host as far as it moves: branches and pull requests change, and each change makes a delivery as GitHub's. */
export class MovingHost {
  readonly #branches = new Map<string, Sha[]>();
  readonly #pulls = new Map<number, PullRequest>();
  #made = 0;
  /** Set to make every question fail with it. */
  fault: Error | undefined;
  asked = 0;

  push(branch: string, sha = shaOf(`${branch} ${this.#made}`)): Made {
    const before = this.#branches.get(branch)?.at(-1);
    this.#branches.set(branch, [...(this.#branches.get(branch) ?? []), sha]);
    const ref = `refs/heads/${branch}`;
    const facts = { ref, before: before ?? '0'.repeat(40), after: sha, deleted: false, forced: false };
    return this.#make('push', { ...facts, head_commit: { id: sha, message: `Change ${branch}` } });
  }

  open(number: number, baseRef = 'main'): Made {
    const headSha = shaOf(`pull ${number} ${this.#made}`);
    const baseSha = this.#branches.get('main')?.at(-1) ?? shaOf('main');
    const author = { author: 'ann', authorId: '3' };
    const refs = { headRef: `topic-${number}`, headSha, headRepositoryId: '11', isFork: false, baseRef, baseSha };
    const pull: PullRequest = {
      number,
      title: 'Change',
      state: 'open',
      ...refs,
      isDraft: false,
      ...author,
      labels: [],
    };
    return this.#change(pull, 'opened');
  }

  commit(number: number): Made {
    const before = this.#pull(number);
    const pull = { ...before, headSha: shaOf(`pull ${number} ${this.#made}`) };
    return this.#change(pull, 'synchronize', { before: before.headSha, after: pull.headSha });
  }

  retarget(number: number, baseRef: string): Made {
    const before = this.#pull(number);
    return this.#change({ ...before, baseRef }, 'edited', { changes: { base: { ref: { from: before.baseRef } } } });
  }

  close(number: number, state: 'closed' | 'merged'): Made {
    return this.#change({ ...this.#pull(number), state }, 'closed');
  }

  /** Where everything stands. */
  standing(): Readonly<Record<string, string>> {
    const branches = [...this.#branches].map(([name, all]) => [`branch ${name}`, all.at(-1) ?? '']);
    const pulls = [...this.#pulls.values()].map(({ number, headSha, baseRef, state }) => [
      `pull request ${number}`,
      state === 'open' ? `${headSha} into ${baseRef}` : 'over',
    ]);
    return Object.fromEntries([...branches, ...pulls]);
  }

  port(): Pick<GitHost, 'defaultBranch' | 'pullRequest' | 'openPullRequests' | 'branchHead' | 'branchHeads' | 'holds'> {
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

  #change(pull: PullRequest, action: string, facts: Readonly<Record<string, unknown>> = {}): Made {
    this.#pulls.set(pull.number, pull);
    const side = { repo: { id: 11 } };
    return this.#make('pull_request', {
      action,
      number: pull.number,
      pull_request: {
        title: pull.title,
        user: { login: 'ann', id: 3 },
        head: { ref: pull.headRef, sha: pull.headSha, ...side },
        base: { ref: pull.baseRef, sha: pull.baseSha, ...side },
        merged: pull.state === 'merged',
      },
      ...facts,
    });
  }

  #make(event: string, facts: Readonly<Record<string, unknown>>): Made {
    this.#made += 1;
    return { id: `delivery-${this.#made}`, event, body: JSON.stringify({ ...common, ...facts }) };
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
  const source = gitHubWebhooks([secret]);
  const port = host.port();
  /** `<subject> <head> into <base>`, as often as it was begun; a pull request that ended is `over`. */
  const begun: string[] = [];
  const last = new Map<string, string>();
  const inbox = new Inbox({
    database,
    clock,
    translate: (provider, event, body) =>
      provider === missedProvider ? missedHostEvent(body) : source.translate(event, body),
    handle: async (event, delivery) => {
      if (event.type !== 'trigger' && event.type !== 'incomplete') return { ignoredBecause: event.type };
      const news = await refs.news(event, delivery, port);
      if ('ignoredBecause' in news) return news;
      if ('again' in news) return { ignoredBecause: 'only its labels or its draft state changed' };
      const { trigger } = news;
      if (trigger.type === 'push') {
        begun.push(`branch ${trigger.branch} ${trigger.headSha}`);
        last.set(`branch ${trigger.branch}`, trigger.headSha);
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
    webhooks: webhookRoutes({ source: (provider) => (provider === 'github' ? source : undefined), inbox }),
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
      const answer = await app.request('/webhooks/github', {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(body)),
          'x-github-delivery': id,
          'x-github-event': event,
          'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
        },
      });
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
