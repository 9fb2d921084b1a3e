import { z } from 'zod';
import { CheckAction, CheckConclusion, type CheckRun, CheckStatus, type SuiteCommit } from '../check-entities.ts';
import type { App, Repository } from '../entities.ts';
import { checkRunShape, checkSuiteShape } from '../github/shapes/check.ts';
import { type Actor, type Host, timestamp } from '../host.ts';
import { type FieldError, validationFailed } from '../refusal.ts';
import { emit } from '../webhooks/emit.ts';
import { ensureCheckSuite } from './check-suites.ts';

/** GitHub's limits: texts in bytes, labels in characters. */
const maxTextBytes = 65_535;
const maxAnnotations = 50;
const maxAnnotationBytes = 64 * 1024;

const text = z.string().refine((value) => Buffer.byteLength(value) <= maxTextBytes, {
  message: `is too long (maximum is ${maxTextBytes} bytes)`,
});
const webUrl = z.url({ protocol: /^https?$/ });

const AnnotationInput = z.object({
  path: z.string().min(1),
  start_line: z.number().int().min(1),
  end_line: z.number().int().min(1),
  start_column: z.number().int().min(1).optional(),
  end_column: z.number().int().min(1).optional(),
  annotation_level: z.enum(['notice', 'warning', 'failure']),
  message: z.string().refine((value) => Buffer.byteLength(value) <= maxAnnotationBytes, 'is over 64 KB'),
  title: z.string().max(255).optional(),
  raw_details: z.string().max(maxAnnotationBytes).optional(),
});

const ActionInput = CheckAction.extend({
  label: z.string().max(20),
  description: z.string().max(40),
  identifier: z.string().max(20),
});

export const CheckRunEdit = z.object({
  name: z.string().min(1).max(255).optional(),
  details_url: webUrl.optional(),
  external_id: z.string().max(1000).optional(),
  status: CheckStatus.optional(),
  started_at: z.iso.datetime({ offset: true }).optional(),
  conclusion: CheckConclusion.optional(),
  completed_at: z.iso.datetime({ offset: true }).optional(),
  output: z
    .object({
      title: z.string().max(255).optional(),
      summary: text.optional(),
      text: text.optional(),
      annotations: z.array(AnnotationInput).max(maxAnnotations).optional(),
    })
    .optional(),
  actions: z.array(ActionInput).max(3).optional(),
});
export type CheckRunEdit = z.infer<typeof CheckRunEdit>;

export const NewCheckRun = CheckRunEdit.extend({ name: z.string().min(1).max(255), head_sha: z.string() });
export type NewCheckRun = z.infer<typeof NewCheckRun>;

function invalid(field: string, message: string): FieldError {
  return { resource: 'CheckRun', field, code: 'custom', message };
}

export function createCheckRun(
  host: Host,
  repository: Repository,
  app: App,
  actor: Actor,
  input: NewCheckRun,
  head: { readonly commit: SuiteCommit; readonly branch: string | null },
): CheckRun {
  return host.store.atomically(() => {
    const { suite } = ensureCheckSuite(host, repository, app.id, { ...head, before: null });
    const blank = host.store.checkRuns.insert({
      repositoryId: repository.id,
      suiteId: suite.id,
      appId: app.id,
      name: input.name,
      headSha: input.head_sha,
      externalId: '',
      detailsUrl: `${host.url}/apps/${app.slug}`,
      status: 'queued',
      conclusion: null,
      startedAt: timestamp(host.now()),
      completedAt: null,
      title: null,
      summary: null,
      text: null,
      actions: [],
      annotationsCount: 0,
    });
    const run = applyEdit(host, blank, input);
    emitCheckRun(host, repository, run, 'created', actor);
    if (run.status === 'completed') emitCheckRun(host, repository, run, 'completed', actor);
    return run;
  });
}

export function editCheckRun(
  host: Host,
  repository: Repository,
  known: CheckRun,
  actor: Actor,
  input: CheckRunEdit,
): CheckRun {
  return host.store.atomically(() => {
    // A finished run stays finished: starting over needs a new run, which is also what GitHub shows people.
    if (known.status === 'completed' && input.status !== undefined && input.status !== 'completed')
      throw validationFailed(invalid('status', 'a completed check run cannot be started again; create a new one'));
    const run = applyEdit(host, known, input);
    if (run.status === 'completed' && known.status !== 'completed')
      emitCheckRun(host, repository, run, 'completed', actor);
    return run;
  });
}

function applyEdit(host: Host, known: CheckRun, input: CheckRunEdit): CheckRun {
  if (input.status === 'completed' && input.conclusion === undefined && known.conclusion === null)
    throw validationFailed(invalid('conclusion', 'is required when status is completed'));
  if (input.output !== undefined && (input.output.title ?? known.title) === null)
    throw validationFailed(invalid('output.title', 'is required'));
  if (input.output !== undefined && (input.output.summary ?? known.summary) === null)
    throw validationFailed(invalid('output.summary', 'is required'));
  const isCompleted = input.conclusion !== undefined || (input.status ?? known.status) === 'completed';
  const annotations = input.output?.annotations ?? [];
  for (const annotation of annotations) {
    if (annotation.end_line < annotation.start_line)
      throw validationFailed(invalid('output.annotations', 'end_line is before start_line'));
    host.store.annotations.insert({
      checkRunId: known.id,
      path: annotation.path,
      startLine: annotation.start_line,
      endLine: annotation.end_line,
      startColumn: annotation.start_column ?? null,
      endColumn: annotation.end_column ?? null,
      level: annotation.annotation_level,
      title: annotation.title ?? null,
      message: annotation.message,
      rawDetails: annotation.raw_details ?? null,
    });
  }
  return host.store.checkRuns.save({
    ...known,
    name: input.name ?? known.name,
    externalId: input.external_id ?? known.externalId,
    detailsUrl: input.details_url ?? known.detailsUrl,
    status: isCompleted ? 'completed' : (input.status ?? known.status),
    conclusion: isCompleted ? (input.conclusion ?? known.conclusion) : null,
    startedAt: input.started_at === undefined ? known.startedAt : timestamp(new Date(input.started_at)),
    completedAt: isCompleted
      ? input.completed_at === undefined
        ? (known.completedAt ?? timestamp(host.now()))
        : timestamp(new Date(input.completed_at))
      : null,
    title: input.output?.title ?? known.title,
    summary: input.output?.summary ?? known.summary,
    text: input.output?.text ?? known.text,
    actions: input.actions ?? known.actions,
    annotationsCount: known.annotationsCount + annotations.length,
  });
}

export function emitCheckRun(
  host: Host,
  repository: Repository,
  run: CheckRun,
  action: 'created' | 'completed' | 'rerequested',
  actor: Actor,
): void {
  emit(host, {
    event: 'check_run',
    action,
    repository,
    sender: actor.account,
    body: { check_run: checkRunInHook(host, run) },
    ...(action === 'rerequested' ? { toAppId: run.appId } : {}),
  });
}

/** A person pressed one of the buttons that the check's App gave it. */
export function requestAction(
  host: Host,
  repository: Repository,
  run: CheckRun,
  identifier: string,
  actor: Actor,
): void {
  emit(host, {
    event: 'check_run',
    action: 'requested_action',
    repository,
    sender: actor.account,
    body: { check_run: checkRunInHook(host, run), requested_action: { identifier } },
    toAppId: run.appId,
  });
}

/** In webhooks a run carries its suite in some detail. */
function checkRunInHook(host: Host, run: CheckRun) {
  const suite = host.store.checkSuites.get(run.suiteId);
  const {
    rerequestable: _,
    runs_rerequestable: __,
    latest_check_runs_count: ___,
    check_runs_url: ____,
    ...shape
  } = checkSuiteShape(host, suite);
  return { ...checkRunShape(host, run), check_suite: shape };
}
