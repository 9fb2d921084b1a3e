import picomatch from 'picomatch';
import { inOrder } from './dag.ts';
import type {
  Condition,
  Pipeline,
  PipelineSource,
  Plan,
  PlannedStage,
  StageDefinition,
  TriggerRule,
} from './pipeline.ts';
import type { Trigger } from './trigger.ts';

/** Paths that a trigger changed; `isComplete` false is taken as "everything changed". */
export interface ChangedFiles {
  readonly paths: readonly string[];
  readonly isComplete: boolean;
}

export type Planned =
  | { readonly matched: true; readonly plan: Plan }
  | { readonly matched: false; readonly reason: string };

/** Resolves a pipeline for one trigger: whether it runs at all, and which of its stages take part. */
export function planRun(facts: {
  readonly pipeline: Pipeline;
  readonly source: PipelineSource;
  readonly trigger: Trigger;
  readonly changedFiles: ChangedFiles | undefined;
  readonly policy?: Plan['policy'];
  /** Why nothing is deployed, where somebody asked for that. */
  readonly skipDeploys?: string;
}): Planned {
  const { pipeline, source, trigger, changedFiles } = facts;
  const rules = pipeline.on.filter((rule) => rule.event === eventOf(trigger));
  if (rules.length === 0) return { matched: false, reason: `the pipeline does not run on ${eventOf(trigger)}` };
  const refusals = rules.map((rule) => refusalOf(rule, trigger, changedFiles));
  if (refusals.every((refusal) => refusal !== undefined)) return { matched: false, reason: refusals.join('; ') };
  if (pipeline.stages.length === 0) return { matched: false, reason: 'the pipeline has no stages' };
  const stages = inOrder(pipeline.stages).map((stage): PlannedStage => {
    const skipReason =
      skipReasonOf(stage, trigger, changedFiles) ?? (stage.deploy === undefined ? undefined : facts.skipDeploys);
    return skipReason === undefined ? stage : { ...stage, skipReason };
  });
  const { policy } = facts;
  return { matched: true, plan: { source, stages, ...(policy === undefined ? {} : { policy }) } };
}

function refusalOf(rule: TriggerRule, trigger: Trigger, changed: ChangedFiles | undefined): string | undefined {
  const branch = branchOf(trigger);
  if (branch !== undefined) {
    const branches = rule.branches ?? (trigger.type === 'push' ? [trigger.defaultBranch] : undefined);
    if (branches !== undefined && !matchesAny(branches, branch))
      return `branch ${branch} is none of ${branches.join(', ')}`;
    if (rule.branchesIgnore !== undefined && matchesAny(rule.branchesIgnore, branch))
      return `branch ${branch} is ignored`;
  }
  if (trigger.type === 'tag' && rule.tags !== undefined && !matchesAny(rule.tags, trigger.tag)) {
    return `tag ${trigger.tag} is none of ${rule.tags.join(', ')}`;
  }
  if (trigger.type === 'schedule' && rule.cron !== undefined && rule.cron !== trigger.schedule)
    return `it is another schedule's`;
  return pullRequestRefusal(rule, trigger) ?? pathRefusal(rule.paths, rule.pathsIgnore, changed);
}

function skipReasonOf(stage: StageDefinition, trigger: Trigger, changed: ChangedFiles | undefined): string | undefined {
  // What a pull request holds is nobody's word yet: it never reaches an environment.
  if (stage.deploy !== undefined && eventOf(trigger) === 'pull_request') return 'deploys never run for a pull request';
  const { events, branches, paths }: Condition = stage.when;
  if (events !== undefined && !events.includes(eventOf(trigger))) return `runs on ${events.join(', ')} only`;
  const branch = branchOf(trigger);
  if (branches !== undefined && (branch === undefined || !matchesAny(branches, branch)))
    return `runs on ${branches.join(', ')} only`;
  return pullRequestRefusal(stage.when, trigger) ?? pathRefusal(paths, undefined, changed);
}

/** Labels and draft state; a merge queue asks about pull requests that are past both. */
function pullRequestRefusal(
  { labels, drafts }: Pick<Condition, 'labels' | 'drafts'>,
  trigger: Trigger,
): string | undefined {
  if (trigger.type === 'merge_group') return undefined;
  if (drafts === false && trigger.type === 'pull_request' && trigger.isDraft) return 'the pull request is a draft';
  if (labels === undefined || labelsOf(trigger).some((label) => matchesAny(labels, label))) return undefined;
  return `no label matches ${labels.join(', ')}`;
}

function labelsOf(trigger: Trigger): readonly string[] {
  if (trigger.type === 'pull_request') return trigger.labels;
  return trigger.type === 'push' ? (trigger.pullRequest?.labels ?? []) : [];
}

/** A merge queue asks what its pull requests were asked: the same checks have to be there. */
function eventOf({ type }: Trigger): TriggerRule['event'] {
  return type === 'merge_group' ? 'pull_request' : type;
}

/** The branch that a trigger is about; a pull request's base. */
function branchOf(trigger: Trigger): string | undefined {
  switch (trigger.type) {
    case 'push':
    case 'manual':
    case 'schedule':
      return trigger.branch;
    case 'pull_request':
    case 'merge_group':
      return trigger.baseRef;
    case 'tag':
      return undefined;
  }
}

function pathRefusal(
  paths: readonly string[] | undefined,
  ignored: readonly string[] | undefined,
  changed: ChangedFiles | undefined,
): string | undefined {
  if (changed === undefined || !changed.isComplete) return undefined;
  const counted = ignored === undefined ? changed.paths : changed.paths.filter((path) => !matchesAny(ignored, path));
  if (ignored !== undefined && counted.length === 0 && changed.paths.length > 0) return 'all changed files are ignored';
  if (paths === undefined || counted.some((path) => matchesAny(paths, path))) return undefined;
  return `no changed file matches ${paths.join(', ')}`;
}

function matchesAny(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => picomatch.isMatch(text, glob, { dot: true }));
}
