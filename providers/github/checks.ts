import type { Sha } from '../../engine/core/trigger.ts';
import type { CheckAnnotation, CheckRun, PublishesChecks } from '../git-host.ts';
import type { GitHubRepository, GitHubSession, Octokit } from './session.ts';

const annotationsPerRequest = 50;

/** Check runs; their annotations are appended in batches. */
export function checks(session: GitHubSession): PublishesChecks {
  return {
    publishCheck: (repository, headSha, check, known) =>
      session.call(`Publishing check "${check.name}"`, repository, async (octokit, at) => {
        const [first = [], ...more] = batches(check.annotations);
        const body = checkBody(check, first);
        const id = known ?? (await findCheck(octokit, at, headSha, check));
        const { data } =
          id === undefined
            ? await octokit.request('POST /repos/{owner}/{repo}/check-runs', { ...at, ...body, head_sha: headSha })
            : await octokit.request('PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}', {
                ...at,
                ...body,
                check_run_id: Number(id),
              });
        for (const batch of more) {
          await octokit.request('PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}', {
            ...at,
            check_run_id: Number(data.id),
            ...checkBody(check, batch),
          });
        }
        return String(data.id);
      }),
  };
}

/** A check of ours that is there already, after a crash between the host's write and ours. */
async function findCheck(
  octokit: Octokit,
  at: GitHubRepository,
  headSha: Sha,
  check: CheckRun,
): Promise<string | undefined> {
  if (check.mayExist !== true) return undefined;
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/commits/{ref}/check-runs', {
    ...at,
    ref: headSha,
    check_name: check.name,
    filter: 'all',
  });
  const own = data.check_runs.filter(({ external_id }) => external_id === check.externalId);
  // A completed one is of an earlier attempt, and is not started again.
  const found =
    own.find(({ status }) => status !== 'completed') ?? (check.state.status === 'completed' ? own[0] : undefined);
  return found === undefined ? undefined : String(found.id);
}

function checkBody(check: CheckRun, annotations: readonly CheckAnnotation[]) {
  const { state } = check;
  return {
    name: check.name,
    external_id: check.externalId,
    ...(check.detailsUrl === undefined ? {} : { details_url: check.detailsUrl }),
    ...(state.status === 'completed'
      ? {
          status: state.status,
          conclusion: state.conclusion,
          started_at: state.startedAt.toISOString(),
          completed_at: state.completedAt.toISOString(),
        }
      : state.status === 'in_progress'
        ? { status: state.status, started_at: state.startedAt.toISOString() }
        : { status: state.status }),
    ...(check.buttons === undefined
      ? {}
      : { actions: check.buttons.map(({ id, ...words }) => ({ identifier: id, ...words })) }),
    output: {
      title: check.title,
      summary: check.summary,
      ...(check.text === undefined ? {} : { text: check.text }),
      annotations: annotations.map(({ path, startLine, endLine, level, title, message }) => ({
        path,
        start_line: startLine,
        end_line: endLine,
        annotation_level: level,
        title,
        message,
      })),
    },
  };
}

function batches(annotations: readonly CheckAnnotation[]): CheckAnnotation[][] {
  const all: CheckAnnotation[][] = [];
  for (let from = 0; from < annotations.length; from += annotationsPerRequest)
    all.push(annotations.slice(from, from + annotationsPerRequest));
  return all;
}
