import type { HostEvent } from '../../engine/core/trigger.ts';
import type { GitHost } from '../../providers/git-host.ts';
import type { Conversation } from '../conversation/conversation.ts';
import type { FollowInstallations } from '../installations/follow-installations.ts';
import type { HandleEvent } from './inbox.ts';
import type { Happened, KnownRefs } from './known-refs.ts';
import type { StartRun } from './start-run.ts';

type Heeded = { readonly ignoredBecause?: string };

/** What a delivery leads to: a change of the installation, a run, or an answer to what somebody said. */
export function heedEvent(parts: {
  readonly installations: FollowInstallations;
  readonly conversation: Conversation;
  readonly start: StartRun;
  readonly refs: KnownRefs;
  readonly hosts: (provider: string) => GitHost;
}): HandleEvent {
  const { installations, conversation, start, refs, hosts } = parts;

  async function runFor(event: Happened, deliveryId: string): Promise<Heeded> {
    const { repository } = event.type === 'trigger' ? event.trigger : event.known;
    const news = await refs.news(event, deliveryId, hosts(repository.provider));
    if ('ignoredBecause' in news) return news;
    const trigger = 'again' in news ? news.again : news.trigger;
    const started = await ('again' in news ? start.again(news.again, deliveryId) : start.start(trigger, deliveryId));
    await refs.saw(trigger, deliveryId);
    return started.outcome === 'ignored' ? { ignoredBecause: started.because } : {};
  }

  return async (event, deliveryId) => {
    const followed = await installations.handle(event);
    if (followed !== undefined || event.type === 'installation') return followed ?? {};
    if (event.type === 'gone') return refs.gone(event);
    if (event.type === 'trigger' || event.type === 'incomplete') return runFor(event, deliveryId);
    const answered = await conversation.answer(event, deliveryId, start);
    if (event.type !== 'label') return answered;
    // Labels ask for something of their own, and they may change what is run.
    const started = await runFor(relabelled(event), deliveryId);
    return answered.ignoredBecause === undefined ? answered : started;
  };
}

function relabelled({ repository, number, by }: Extract<HostEvent, { type: 'label' }>): Happened {
  return {
    type: 'incomplete',
    known: { type: 'pull_request', action: 'updated', repository, number, actor: by },
  };
}
