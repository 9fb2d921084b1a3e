import { createHash } from 'node:crypto';
import type { Sha } from '../../engine/core/trigger.ts';
import type { CheckAnnotation, CheckConclusion, CheckRun, PublishesChecks } from '../git-host.ts';
import { isAnswer } from './error.ts';
import type { At, BitbucketApi, BitbucketOptions, BitbucketSession } from './session.ts';

const keyChars = 40;
const nameChars = 255;
const summaryChars = 450;
const detailsChars = 2_000;
const annotationsPerReport = 1_000;
const annotationsPerRequest = 100;

type State = 'INPROGRESS' | 'SUCCESSFUL' | 'FAILED' | 'STOPPED';

const conclusions = {
  success: 'SUCCESSFUL',
  neutral: 'SUCCESSFUL',
  skipped: 'SUCCESSFUL',
  failure: 'FAILED',
  timed_out: 'FAILED',
  cancelled: 'STOPPED',
  // It waits for a person, and must not let the pull request pass meanwhile.
  action_required: 'INPROGRESS',
} as const satisfies Record<CheckConclusion, State>;

const severities = { failure: 'HIGH', warning: 'MEDIUM', notice: 'LOW' } as const;

/** Build statuses, one per name; annotations stand in a Code Insights report beside it, everything else in the comment. */
export function checks(session: BitbucketSession, { url }: Pick<BitbucketOptions, 'url'>): PublishesChecks {
  return {
    publishCheck: (repository, headSha, check) =>
      session.call(`Publishing check "${check.name}"`, repository, async (api, at) => {
        const key = keyOf(check.name);
        const page = `${url.replace(/\/+$/, '')}/${repository.owner}/${repository.name}/commits/${headSha}`;
        try {
          // The same key on the same commit takes the place of the one before.
          await api.commitstatuses.createBuildStatus({
            ...at,
            commit: headSha,
            _body: {
              type: 'build',
              key,
              state: stateOf(check),
              name: cut(check.name, nameChars),
              description: cut(check.title, nameChars),
              // Bitbucket wants one: where there is no page of ours, the commit's own.
              url: check.detailsUrl ?? page,
              ...(check.branch === undefined ? {} : { refname: check.branch }),
            },
          });
        } catch (error) {
          if (!isAnswer(error, 404)) throw error;
          // A commit that only a fork has, where the bot has no rights. One of a repository that is not seen is a fault.
          await api.repositories.get({ ...at });
          return key;
        }
        if (check.state.status === 'completed') await report(api, at, headSha, key, check);
        return key;
      }),
  };
}

/**
 * Within Bitbucket's limit for keys. By hash: names that begin alike, cut, would overwrite each other.
 */
export function keyOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, keyChars);
}

/** The report of an earlier run of this commit goes, with its annotations; where something is to be said, a new one comes. */
async function report(api: BitbucketApi, at: At, commit: Sha, key: string, check: CheckRun): Promise<void> {
  const reportId = `slipway-${key}`;
  try {
    await api.commits.deleteReport({ ...at, commit, reportId });
  } catch (error) {
    if (!isAnswer(error, 404)) throw error;
  }
  const { annotations } = check;
  if (annotations.length === 0) return;
  const shown = annotations.slice(0, annotationsPerReport);
  const note = shown.length < annotations.length ? ` The first ${shown.length} of ${annotations.length} places.` : '';
  await api.commits.createOrUpdateReport({
    ...at,
    commit,
    reportId,
    _body: {
      type: 'report',
      title: cut(check.name, summaryChars),
      details: cut(`${check.title}.${note}`, detailsChars),
      report_type: 'TEST',
      reporter: 'Slipway',
      result: stateOf(check) === 'SUCCESSFUL' ? 'PASSED' : 'FAILED',
      ...(check.detailsUrl === undefined ? {} : { link: check.detailsUrl }),
    },
  });
  for (let start = 0; start < shown.length; start += annotationsPerRequest) {
    const some = shown.slice(start, start + annotationsPerRequest);
    await api.commits.bulkCreateOrUpdateAnnotations({
      ...at,
      commit,
      reportId,
      _body: some.map((annotation, index) => toAnnotation(annotation, `${key}-${start + index}`)),
    });
  }
}

function toAnnotation({ path, startLine, level, title, message }: CheckAnnotation, id: string) {
  return {
    type: 'report_annotation',
    external_id: id,
    annotation_type: level === 'failure' ? ('BUG' as const) : ('CODE_SMELL' as const),
    path,
    line: startLine,
    severity: severities[level],
    summary: cut(title === '' ? message : title, summaryChars),
    ...(message === '' ? {} : { details: cut(message, detailsChars) }),
  };
}

function stateOf({ state }: CheckRun): State {
  return state.status === 'completed' ? conclusions[state.conclusion] : 'INPROGRESS';
}

/** With no character cut in half. */
function cut(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
