import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir, userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { pino } from 'pino';
import type { Pipeline, PipelineSource, PlannedStage } from '../../engine/core/pipeline.ts';
import { planRun } from '../../engine/core/plan.ts';
import type { Run } from '../../engine/core/run.ts';
import type { ManualTrigger } from '../../engine/core/trigger.ts';
import { detectPipeline } from '../../engine/detect/detect.ts';
import { parsePipeline, pipelineFile } from '../../engine/pipeline-file.ts';
import { defaultSlots, embeddedConfig, openCluster } from '../embedded/embedded-slipway.ts';
import { commitWorkingTree, repositoryRoot } from '../embedded/working-tree.ts';
import { runIdOf } from '../intake/start-run.ts';
import { startSlipway } from '../main.ts';
import { CliError } from './cli-error.ts';
import { filesOf } from './init.ts';
import { outputOf, printable } from './output.ts';
import { readIfThere } from './read-if-there.ts';
import { RunView } from './run-view.ts';

const stopSeconds = 2;

export function runCommand(): Command {
  return new Command('run')
    .description('run the pipeline on the working tree, without a server; exit code 1 when it fails')
    .argument('[stages...]', 'only these stages and what they need')
    .option('--json', 'print the run as JSON at its end')
    .action(async (stages: string[], options: { json?: boolean }) => {
      const folder = await repositoryRoot(process.cwd());
      const { pipeline, source } = await definitionIn(folder);
      const names = pipeline.stages.map(({ name }) => name);
      const unknown = stages.find((name) => !names.includes(name));
      if (unknown !== undefined)
        throw new CliError(`The pipeline has no stage "${printable(unknown)}"`, `Its stages: ${names.join(', ')}`);
      const dataDir = await mkdtemp(join(tmpdir(), 'slipway-run-'));
      try {
        const run = await runOnce(folder, dataDir, pipeline, source, stages, options);
        if (run.outcome !== 'SUCCEEDED') process.exitCode = 1;
      } finally {
        await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
      }
      process.exit();
    });
}

async function definitionIn(folder: string): Promise<{ readonly pipeline: Pipeline; readonly source: PipelineSource }> {
  const text = await readIfThere(
    join(folder, pipelineFile),
    'Mend the file, or remove it to have a pipeline found by itself',
  );
  if (text === undefined) {
    const { pipeline, explanation } = await detectPipeline(await filesOf(folder));
    if (pipeline.stages.length === 0)
      throw new CliError(explanation.join(' '), 'Write a pipeline file: `slipway init` gives you a place to begin');
    return { pipeline, source: { type: 'detected', explanation } };
  }
  const parsed = parsePipeline(text, { path: pipelineFile, repositoryName: basename(folder) });
  if ('pipeline' in parsed)
    return { pipeline: parsed.pipeline, source: { type: 'file', path: pipelineFile, sha: 'working tree' } };
  const [first] = parsed.mistakes;
  throw new CliError(
    `${pipelineFile}:${first?.line}:${first?.column}: ${first?.what} (${parsed.mistakes.length} in all)`,
    'See all of them with `slipway validate`',
  );
}

async function runOnce(
  folder: string,
  dataDir: string,
  pipeline: Pipeline,
  source: PipelineSource,
  wanted: readonly string[],
  options: { readonly json?: boolean },
): Promise<Run> {
  const output = outputOf(options);
  const view = options.json === true ? undefined : new RunView(process.stdout);
  if (source.type === 'detected') for (const line of source.explanation) view?.say(output.paint('gray', line));
  const log = pino({ level: process.env['SLIPWAY_LOG'] ?? 'fatal' }, pino.destination(2));
  const [commit, cluster] = await Promise.all([commitWorkingTree(folder, dataDir), openCluster(dataDir, log)]);
  const slots = {
    ...defaultSlots,
    teamSlots: Math.max(2, availableParallelism()),
    poolSlots: Math.max(2, availableParallelism()),
  };
  const config = await embeddedConfig({ dataDir, cluster, port: 0, slots });
  const slipway = await startSlipway(config, log, { localSource: commit.url });

  const login = userInfo().username;
  const trigger: ManualTrigger = {
    type: 'manual',
    repository: { provider: 'local', tenant: 'local:1', id: '1', owner: 'local', name: basename(folder) },
    defaultBranch: commit.branch,
    actor: { login, id: login },
    title: 'The working tree',
    headSha: commit.sha,
    branch: commit.branch,
  };
  const planned = planRun({
    pipeline: { ...pipeline, on: [{ event: 'manual' }] },
    source,
    trigger,
    changedFiles: undefined,
  });
  if (!planned.matched) throw new CliError(planned.reason, 'Check `on:` and the stages in the pipeline file');
  const stages = planned.plan.stages.map((stage) => localStage(stage, planned.plan.stages, wanted));
  const runId = runIdOf(randomUUID());
  const ended = Promise.withResolvers<Run>();
  slipway.loop.onChange(({ run }) => {
    view?.show(run);
    if (run.outcome !== undefined) ended.resolve(run);
  });
  const interrupt = () =>
    void slipway.loop.send(runId, { type: 'CancelRun', by: trigger.actor, reason: 'interrupted' });
  process.on('SIGINT', interrupt);
  await slipway.loop.send(runId, {
    type: 'CreateRun',
    runId,
    trigger,
    plan: { ...planned.plan, stages },
    lane: 'feature',
    team: trigger.repository.name,
    replica: config.replica,
  });
  const run = await ended.promise;
  view?.stop();
  if (options.json === true) output.value(run);
  await slipway.stop();
  await cluster.stop({ pods: 'end', graceSeconds: stopSeconds });
  return run;
}

/** A working tree is nobody's release: what deploys is left out, and what was not asked for. */
function localStage(stage: PlannedStage, all: readonly PlannedStage[], wanted: readonly string[]): PlannedStage {
  if (stage.deploy !== undefined) return { ...stage, skipReason: 'a working tree is not deployed' };
  if (stage.needs.some((need) => all.find(({ name }) => name === need)?.deploy !== undefined))
    return { ...stage, skipReason: 'it needs a deployment' };
  if (wanted.length === 0 || wanted.some((name) => name === stage.name || needsOf(all, name).has(stage.name)))
    return stage;
  return { ...stage, skipReason: 'not asked for' };
}

function needsOf(all: readonly PlannedStage[], name: string): Set<string> {
  const found = new Set<string>();
  const collect = (of: string): void => {
    for (const need of all.find((stage) => stage.name === of)?.needs ?? []) {
      if (!found.has(need)) {
        found.add(need);
        collect(need);
      }
    }
  };
  collect(name);
  return found;
}
