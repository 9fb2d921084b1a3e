import type { Person, ReactionContent, RepositoryRef } from '../../engine/core/trigger.ts';
import type { Clock } from '../../engine/ports/clock.ts';
import type { RunLoop } from '../../engine/run-loop.ts';
import type { GitHost } from '../../providers/git-host.ts';
import type { Proposals } from '../steering/proposals.ts';

interface Prompt {
  readonly repository: RepositoryRef;
  readonly number: number;
  readonly commentId: string;
  readonly at: Date;
}

export type AnswerReaction = (
  facts: Omit<Prompt, 'at'> & { readonly by: Person; readonly content: ReactionContent },
) => Promise<unknown>;

/** Of one tenant, in one pass: with a pass every 3 seconds at most 2,400 requests an hour, half of what GitHub grants. */
const promptsPerPass = 2;
const maxProposals = 200;
const soonestMs = 3_000;
const latestMs = 5 * 60_000;
/** A prompt of an hour is looked at every two minutes. */
const ageShare = 30;

interface Parts {
  readonly loop: RunLoop;
  readonly proposals: Proposals;
  readonly hosts: (provider: string) => GitHost;
  readonly answer: AnswerReaction;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** Asks hosts that do not tell of reactions for those on open prompts: often while they are new, rarely when they are old. */
export class PollReactions {
  readonly #parts: Parts;
  /** When each prompt was looked at last, and the reactions on it that were answered. */
  readonly #seen = new Map<string, { at: number; readonly answered: Set<string> }>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async pass(): Promise<void> {
    const now = this.#parts.clock.now();
    const prompts = (await this.#open(now)).filter(
      ({ repository }) => this.#parts.hosts(repository.provider).capabilities.reactions === 'polled',
    );
    const keys = new Set(prompts.map(keyOf));
    for (const key of this.#seen.keys()) if (!keys.has(key)) this.#seen.delete(key);
    const asked = new Map<string, number>();
    const due = prompts
      .map((prompt) => ({ prompt, last: this.#seen.get(keyOf(prompt))?.at ?? 0 }))
      .filter(({ prompt, last }) => now.getTime() - last >= everyMs(now.getTime() - prompt.at.getTime()))
      .sort((a, b) => a.last - b.last);
    for (const { prompt } of due) {
      const { tenant } = prompt.repository;
      const count = asked.get(tenant) ?? 0;
      if (count >= promptsPerPass) continue;
      asked.set(tenant, count + 1);
      await this.#look(prompt, now).catch(this.#parts.onError);
    }
  }

  async #look(prompt: Prompt, now: Date): Promise<void> {
    const { repository, number, commentId } = prompt;
    const seen = this.#seen.get(keyOf(prompt)) ?? { at: 0, answered: new Set<string>() };
    seen.at = now.getTime();
    this.#seen.set(keyOf(prompt), seen);
    const host = this.#parts.hosts(repository.provider);
    const own = await host.ownLogin();
    for (const { by, content } of await host.reactions(repository, number, commentId)) {
      const reaction = `${by.id}/${content}`;
      if (by.login === own || seen.answered.has(reaction)) continue;
      // One that the host could not be asked about is answered in a later pass.
      await this.#parts.answer({ repository, number, commentId, by, content });
      seen.answered.add(reaction);
    }
  }

  async #open(now: Date): Promise<readonly Prompt[]> {
    const approvals = this.#parts.loop
      .drivenRuns()
      .flatMap(({ repository, approvals: all }) =>
        Object.values(all).flatMap(({ status, prompt, requestedAt }) =>
          status === 'open' && prompt !== undefined
            ? [{ repository, number: prompt.number, commentId: prompt.commentId, at: requestedAt }]
            : [],
        ),
      );
    return [...approvals, ...(await this.#parts.proposals.allOpen(now, maxProposals))];
  }
}

function everyMs(ageMs: number): number {
  return Math.min(latestMs, Math.max(soonestMs, ageMs / ageShare));
}

function keyOf({ repository, commentId }: Prompt): string {
  return `${repository.tenant}/${repository.id}/${commentId}`;
}
