import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { openEmbeddedDatabase } from '../../app/embedded/database/embedded-database.ts';
import { Inbox } from '../../app/intake/inbox.ts';
import { webhookRoutes } from '../../app/intake/webhooks.ts';
import { createApp } from '../../app/server.ts';
import { parseCommands } from '../../checks/command.ts';
import { bitbucketWebhooks } from '../../providers/bitbucket/webhook.ts';
import type { WebhookSource } from '../../providers/git-host-webhook.ts';
import { giteaWebhooks } from '../../providers/gitea/webhook.ts';
import { gitHubWebhooks } from '../../providers/github/webhook.ts';
import { gitLabWebhooks } from '../../providers/gitlab/webhook.ts';
import { collectedDeliveries } from '../providers/deliveries.ts';
import { type Signing, signedHeaders } from '../providers/signing.ts';
import { type Dice, dice, type Kind, kinds, mutantOf } from './mutant.ts';

const secret = 'a secret for tests alone';
const signingSecret = `whsec_${Buffer.from('a signing secret for tests alone').toString('base64')}`;
const foreign = 'another secret, of nobody here';
const startsAt = Date.UTC(2026, 0, 1);
const samples = 10;
const atOnce = 50;

export const mutatedHosts = ['github', 'gitlab', 'bitbucket', 'gitea'] as const;
export type MutatedHost = (typeof mutatedHosts)[number];

export interface Met {
  readonly count: number;
  readonly byKind: Readonly<Record<Kind, number>>;
  /** Answers, by status. */
  readonly answers: Readonly<Record<string, number>>;
  /** Deliveries that were proven by nobody's secret but ours are not among these. */
  readonly acceptedUnsigned: number;
  /** Answers of 500 and above, exceptions, and errors while deliveries were worked off. */
  readonly crashes: readonly string[];
  /** Heap in use, in MiB, in ten steps over the run. */
  readonly heapMiB: readonly number[];
}

/**
 * Sends mutated deliveries to the webhook routes, with the inbox behind them: those that are signed as they are, and
 * those that are not. @param collect empties the heap before it is measured, where the process can
 */
export async function meet(host: MutatedHost, count: number, seed: number, collect = () => {}): Promise<Met> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-mutations-'));
  const crashes: string[] = [];
  const onError = (error: unknown) => void crashes.push(error instanceof Error ? error.message : String(error));
  const database = openEmbeddedDatabase({ file: join(folder, 'slipway.db'), onFatal: onError });
  const clock = { now: () => new Date(startsAt) };
  const source = sourceOf(host);
  const inbox = new Inbox({
    database,
    clock,
    translate: (_, event, body) => source.translate(event, body),
    handle: async (event) => {
      if (event.type === 'comment') parseCommands(event.body, { slashCommandsTaken: false });
      return {};
    },
    onError,
  });
  await inbox.prepare();
  const app = createApp({
    webhooks: webhookRoutes({ source: (provider) => (provider === host ? source : undefined), inbox }),
    api: new Hono(),
    apiToken: 'token',
    hosts: () => new Set(),
    isReady: () => true,
    onError,
  });
  const deliveries = collectedDeliveries(host);
  const roll = dice(seed);
  const byKind = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>;
  const answers: Record<string, number> = {};
  const heapMiB: number[] = [];
  let acceptedUnsigned = 0;
  const send = async (index: number) => {
    const delivery = deliveries[roll(deliveries.length)];
    if (delivery === undefined) throw new RangeError(`There are no deliveries of ${host}`);
    const { kind, body } = mutantOf(delivery, roll);
    const event = source.identify((name) => delivery.headers[name])?.event ?? 'push';
    const facts = { id: `mutant-${index}`, event, at: clock.now() };
    const isSigned = kind !== 'foreign signature' && roll(2) === 0;
    const original = Buffer.from(JSON.stringify(delivery.body));
    const headers = isSigned
      ? signedHeaders(host, secretOf(host), body, facts)
      : unsigned(host, body, original, facts, roll);
    byKind[kind] += 1;
    try {
      const answer = await app.request(`/webhooks/${host}`, { method: 'POST', body: new Uint8Array(body), headers });
      answers[answer.status] = (answers[answer.status] ?? 0) + 1;
      if (answer.status >= 500) crashes.push(`${kind}: answered ${answer.status}`);
      if (!isSigned && answer.status === 202) acceptedUnsigned += 1;
    } catch (error) {
      onError(error);
    }
  };
  for (let index = 0; index < count; index += atOnce) {
    // Made one after the other, so that the same seed makes the same.
    const batch = Array.from({ length: Math.min(atOnce, count - index) }, (_, offset) => send(index + offset));
    await Promise.all(batch);
    if (index % (atOnce * 16) === 0) await inbox.idle();
    if (index + atOnce >= ((heapMiB.length + 1) * count) / samples) {
      await inbox.idle();
      collect();
      heapMiB.push(Math.round(process.memoryUsage().heapUsed / 2 ** 20));
    }
  }
  await inbox.idle();
  await database.close();
  rmSync(folder, { recursive: true });
  return { count, byKind, answers, acceptedUnsigned, crashes, heapMiB };
}

/** Proofs that prove nothing: another's secret, that of another body, none, or another host's. */
function unsigned(
  host: MutatedHost,
  body: Buffer,
  original: Buffer,
  facts: { readonly id: string; readonly event: string; readonly at: Date },
  roll: Dice,
): Record<string, string> {
  const length = { 'content-length': String(body.length) };
  const isSame = body.equals(original);
  const way = roll(isSame ? 4 : 5);
  if (way === 0) return signedHeaders(host, foreign, body, facts);
  if (way === 1) return { ...signedHeaders(otherOf(host), secretOf(host), body, facts), ...idOf(host, body, facts) };
  if (way === 2) return idOf(host, body, facts);
  if (way === 3) {
    // A time that nobody signed, or a proof with a character changed.
    const all = { ...signedHeaders(host, secretOf(host), body, facts), ...length };
    return Object.fromEntries(
      Object.entries(all).map(([name, value]) =>
        name.includes('signature')
          ? [name, value.replace(/[0-9a-zA-Z](?=[=]*$)/, (one) => (one === 'a' ? 'b' : 'a'))]
          : [name, value],
      ),
    );
  }
  return { ...signedHeaders(host, secretOf(host), original, facts), ...length };
}

/** Who it says it is, without a proof. */
function idOf(
  host: MutatedHost,
  body: Buffer,
  facts: { readonly id: string; readonly event: string; readonly at: Date },
): Record<string, string> {
  const all = Object.entries(signedHeaders(host, foreign, body, facts));
  return Object.fromEntries(all.filter(([name]) => !name.includes('signature')));
}

function otherOf(host: MutatedHost): Signing {
  return host === 'github' ? 'bitbucket' : 'github';
}

function secretOf(host: MutatedHost): string {
  return host === 'gitlab' ? signingSecret : secret;
}

function sourceOf(host: MutatedHost): WebhookSource {
  switch (host) {
    case 'github':
      return gitHubWebhooks([secret]);
    case 'gitlab':
      return gitLabWebhooks([signingSecret, secret], () => new Date(startsAt));
    case 'bitbucket':
      return bitbucketWebhooks([secret]);
    case 'gitea':
      return giteaWebhooks([secret]);
  }
}
