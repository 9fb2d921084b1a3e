import type { ProbotOctokit } from 'probot';

type Octokit = InstanceType<typeof ProbotOctokit>;

const perPage = 100;
const maxRedeliveries = 50;
/** What was refused so often is refused for what it is: sending it again helps nobody. */
const maxAttempts = 4;

/**
 * GitHub does not send a failed delivery again by itself. Its log tells which ones never arrived: no attempt of their
 * GUID was answered with success.
 * @param app authenticated as the App
 */
export async function redeliverMissed(app: Octokit): Promise<number> {
  const { data } = await app.request('GET /app/hook/deliveries', { per_page: perPage });
  const arrived = new Set(
    data.filter(({ status_code }) => status_code >= 200 && status_code < 300).map(({ guid }) => guid),
  );
  const attempts = new Map<string, number>();
  for (const { guid } of data) attempts.set(guid, (attempts.get(guid) ?? 0) + 1);
  const missed = new Map(
    data
      .filter(({ guid }) => !arrived.has(guid) && (attempts.get(guid) ?? 0) < maxAttempts)
      .map(({ guid, id }) => [guid, id]),
  );
  // The log is newest first; what was missed first is sent again first.
  const ids = [...missed.values()].reverse().slice(0, maxRedeliveries);
  for (const id of ids)
    await app.request('POST /app/hook/deliveries/{delivery_id}/attempts', { delivery_id: Number(id) });
  return ids.length;
}
