import { type KubeConfig, ListWatch, type V1Pod, type V1PodList, Watch } from '@kubernetes/client-node';

const restartMs = 1_000;
const defaultRelistMs = 30_000;

/**
 * A watch whose begin failed has ended. The informer begins watches again by itself and nobody catches its rejections:
 * without this, credentials that cannot be had for a moment would end the process.
 */
class WatchThatTells extends Watch {
  override async watch(...given: Parameters<Watch['watch']>): Promise<AbortController> {
    try {
      return await super.watch(...given);
    } catch (error) {
      const [, , , done] = given;
      done(error);
      return new AbortController();
    }
  }
}

/**
 * Tells every change of the pods that a selector finds, until stopped. A watch that ended is begun again; and at times
 * all of them are listed and told anew: so a change that no watch told is found, and what a listener could not do when
 * it heard of a pod, it may try again.
 * @param options.list the same pods; it has to end in its own time
 */
export function watchPods(options: {
  readonly config: KubeConfig;
  readonly selector: string;
  readonly list: () => Promise<V1PodList>;
  readonly relistMs?: number;
  readonly onPod: (pod: V1Pod) => void;
  readonly onGone: (pod: V1Pod) => void;
  readonly onError: (error: unknown) => void;
}): { stop(): void } {
  const { config, selector, list, relistMs = defaultRelistMs, onPod, onGone, onError } = options;
  const informer = new ListWatch<V1Pod>('/api/v1/pods', new WatchThatTells(config), list, false, selector);
  const known = new Map<string, V1Pod>();
  let isStopped = false;
  let restart: NodeJS.Timeout | undefined;
  let relisting: NodeJS.Timeout | undefined;

  const seen = (pod: V1Pod) => {
    known.set(keyOf(pod), pod);
    onPod(pod);
  };
  const gone = (pod: V1Pod) => {
    known.delete(keyOf(pod));
    onGone(pod);
  };
  informer.on('add', seen);
  informer.on('update', seen);
  informer.on('delete', gone);
  // The informer ends on any error but its own timeouts, and goes on from the version it saw last.
  const again = () => {
    clearTimeout(restart);
    if (!isStopped) restart = setTimeout(begin, restartMs);
  };
  const failed = (error: unknown) => {
    if (isStopped) return;
    onError(error);
    again();
  };
  const begin = () => void informer.start().catch(failed);
  informer.on('error', failed);

  const relist = async () => {
    const before = new Map(known);
    const { items } = await list();
    if (isStopped) return;
    // What the watch told of while the list was under way is newer than the list.
    const isUntold = (key: string) => known.get(key) === before.get(key);
    const listed = new Set(items.map(keyOf));
    for (const pod of items) if (isUntold(keyOf(pod))) seen(pod);
    for (const [key, pod] of before) if (!listed.has(key) && isUntold(key)) gone(pod);
  };
  const relistLater = () => {
    relisting = setTimeout(() => {
      relist()
        .catch(onError)
        .finally(() => {
          if (!isStopped) relistLater();
        });
    }, relistMs);
    relisting.unref();
  };
  begin();
  relistLater();
  return {
    stop() {
      isStopped = true;
      clearTimeout(restart);
      clearTimeout(relisting);
      void informer.stop();
    },
  };
}

function keyOf({ metadata }: V1Pod): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}
