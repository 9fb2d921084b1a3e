import type { Clock } from '../../engine/ports/clock.ts';
import type { HostPlaces } from '../../providers/git-host-places.ts';
import type { Connection, Connections, KeptWebhook } from '../installations/connections.ts';
import { KeepWebhooks } from '../installations/keep-webhooks.ts';
import type { Check, Finding } from './finding.ts';

/** So many repositories are looked at: each costs a request, and hosts count them. */
const maxLooks = 100;
const maxDeliveries = 20;

/** Whether what is connected at a host without Apps has its webhooks, and whether deliveries arrive. */
export function checkConnections(parts: {
  readonly provider: string;
  readonly places: HostPlaces;
  readonly connections: Connections;
  readonly url: string;
  readonly clock: Clock;
}): Check {
  const { provider, places, connections } = parts;
  return {
    subject: provider,
    async *run() {
      const own = (await connections.all()).filter((each) => each.provider === provider);
      if (own.length === 0) {
        yield {
          subject: provider,
          state: 'warning',
          what: `No ${places.ownerWord} is connected`,
          why: 'Webhooks that were made by hand are not looked after, and new repositories get none',
          fix: `\`slipway connect ${provider} <${places.ownerWord}>\``,
        };
      }
      for (const connection of own) yield* checkOne(connection, parts);
    },
  };
}

async function* checkOne(
  connection: Connection,
  parts: {
    readonly places: HostPlaces;
    readonly connections: Connections;
    readonly url: string;
    readonly clock: Clock;
  },
): AsyncGenerator<Finding> {
  const { provider, place } = connection;
  const subject = `${provider} ${place.path}`;
  const fix = `\`slipway connect ${provider} ${place.path}\` puts it right`;
  let repositories = 0;
  const keeper = new KeepWebhooks({
    ...parts,
    mode: 'dry-run',
    now: () => parts.clock.now(),
    onRepository: async () => {
      repositories += 1;
    },
  });
  const looked = { well: 0, all: 0 };
  for await (const { path, did, because } of keeper.keep(connection)) {
    looked.all += 1;
    if (did === 'nothing') looked.well += 1;
    else if (did === 'made')
      yield {
        subject,
        state: 'broken',
        what: `${path} has no webhook`,
        why: 'Nothing that happens there is heard of',
        fix,
      };
    else if (did === 'repaired')
      yield {
        subject,
        state: 'broken',
        what: `The webhook of ${path} is not as it should be`,
        why: `It ${because.join(', ')}`,
        fix,
      };
    else if (did === 'refused')
      yield {
        subject,
        state: 'broken',
        what: `The webhook of ${path} cannot be looked after`,
        why: `It ${because.join(', ')}`,
        fix: `Give the token's user the right to administrate ${path}`,
      };
    if (looked.all === maxLooks) break;
  }
  yield repositories === 0
    ? {
        subject,
        state: 'warning',
        what: 'No repository is seen',
        why: "There is none yet, or the token's user may see none",
        fix: `Add the token's user to ${place.path}, where there are any`,
      }
    : {
        subject,
        state: 'well',
        what: repositories === 1 ? '1 repository is seen' : `${repositories} repositories are seen`,
      };
  if (looked.well > 0) {
    const rest = looked.all === maxLooks ? `; the first ${maxLooks} were looked at` : '';
    yield {
      subject,
      state: 'well',
      what: `${looked.well} of ${looked.all} ${looked.all === 1 ? 'webhook is as it' : 'webhooks are as they'} should be${rest}`,
    };
  }
  yield* await checkDeliveries(subject, parts.places, await parts.connections.webhooksOf(connection), fix);
}

/** Only hosts that keep a log for programs tell. */
async function checkDeliveries(
  subject: string,
  places: HostPlaces,
  webhooks: readonly KeptWebhook[],
  fix: string,
): Promise<readonly Finding[]> {
  const failed: Finding[] = [];
  let arrived = 0;
  for (const { place, hookId } of webhooks.slice(0, maxDeliveries)) {
    const last = await places.lastDelivery(place, hookId);
    if (last === undefined) continue;
    if (isTaken(last.status)) arrived += 1;
    else failed.push(deliveryFinding(subject, `The last delivery of ${place.path}`, last.status, fix));
  }
  return arrived === 0
    ? failed
    : [
        ...failed,
        {
          subject,
          state: 'well',
          what: arrived === 1 ? 'The last delivery arrived' : `The last deliveries of ${arrived} webhooks arrived`,
        },
      ];
}

export function isTaken(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300;
}

export function deliveryFinding(subject: string, what: string, status: number | undefined, fix: string): Finding {
  if (status === undefined) {
    return {
      subject,
      state: 'broken',
      what: `${what} did not arrive`,
      why: 'The host got no answer from the address in the webhook',
      fix: 'See "public address" above; and a host may refuse to send to addresses of its own network',
    };
  }
  return {
    subject,
    state: 'broken',
    what: `${what} was refused`,
    why: status === 401 ? 'Slipway answered 401: the secrets differ' : `The answer was ${status}`,
    fix: status === 401 ? fix : 'See the log of Slipway at that time, or of the proxy before it',
  };
}
