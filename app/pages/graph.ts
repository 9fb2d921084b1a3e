import { html } from 'hono/html';
import { duration } from '../../checks/markdown.ts';
import { attemptOf, type Run, type StageState, stageState } from '../../engine/core/run.ts';
import type { Html } from './layout.ts';

const box = { width: 176, height: 46, gapX: 44, gapY: 14 };
const maxNameChars = 20;

/** What a stage's state looks like: a class of the style sheet, a sign, a word. */
export function lookOf(state: StageState): { readonly tone: string; readonly sign: string; readonly word: string } {
  switch (state.status) {
    case 'waiting':
      return { tone: 'quiet', sign: '○', word: state.heldBecause === undefined ? 'waits' : 'held' };
    case 'scheduled':
      return { tone: 'busy', sign: '◌', word: 'starts' };
    case 'running':
      return { tone: 'busy', sign: '●', word: 'runs' };
    case 'succeeded':
      return { tone: 'good', sign: '✓', word: 'passed' };
    case 'failed':
      return { tone: 'bad', sign: '✗', word: 'failed' };
    case 'skipped':
      return { tone: 'quiet', sign: '–', word: 'skipped' };
    case 'cancelled':
      return { tone: 'quiet', sign: '■', word: 'cancelled' };
  }
}

export function timeOf(state: StageState, now: Date): string {
  if (state.status === 'running') return duration(now.getTime() - state.startedAt.getTime());
  return state.status === 'succeeded' || state.status === 'failed' ? duration(state.durationMs) : '';
}

export function stagePath(runId: string, stage: string): string {
  return `/runs/${runId}/stages/${encodeURIComponent(stage)}`;
}

/** The run's stages as a drawing: what stands further right needs what stands left of it. */
export function graph(run: Run, now: Date): Html {
  const places = placesOf(run);
  const at = (name: string) => {
    const { column, row } = places.get(name) ?? { column: 0, row: 0 };
    return { x: 2 + column * (box.width + box.gapX), y: 2 + row * (box.height + box.gapY) };
  };
  const columns = 1 + Math.max(0, ...[...places.values()].map(({ column }) => column));
  const rows = 1 + Math.max(0, ...[...places.values()].map(({ row }) => row));
  const width = columns * (box.width + box.gapX) - box.gapX + 4;
  const height = rows * (box.height + box.gapY) - box.gapY + 4;
  const edges = run.plan.stages.flatMap(({ name, needs }) =>
    needs.map((need) => {
      const [from, to] = [at(need), at(name)];
      const [x1, y1, x2, y2] = [from.x + box.width, from.y + box.height / 2, to.x, to.y + box.height / 2];
      const middle = (x1 + x2) / 2;
      return html`<path class="edge" d="M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}" />`;
    }),
  );
  const nodes = run.plan.stages.map(({ name }) => {
    const state = stageState(run, name);
    const { tone, sign, word } = lookOf(state);
    const { x, y } = at(name);
    const tries = attemptOf(state) > 1 ? `, attempt ${attemptOf(state)}` : '';
    const time = timeOf(state, now);
    const label = name.length > maxNameChars ? `${name.slice(0, maxNameChars - 1)}…` : name;
    return html`<a href="${stagePath(run.runId, name)}" class="node ${tone}" aria-label="${name}: ${word}${tries}">
      <title>${name}: ${word}${tries}</title>
      <rect x="${x}" y="${y}" width="${box.width}" height="${box.height}" rx="8" />
      <text class="sign" x="${x + 12}" y="${y + 28}">${sign}</text>
      <text class="name" x="${x + 30}" y="${y + 20}">${label}</text>
      <text class="note" x="${x + 30}" y="${y + 36}">${word}${time === '' ? '' : ` · ${time}`}${tries}</text>
    </a>`;
  });
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Stages and what they need">
    <svg class="graph" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${edges}${nodes}</svg>
  </div>`;
}

/** Column: the longest way to it. Rows are filled from the top, in the plan's order. */
function placesOf(run: Run): ReadonlyMap<string, { readonly column: number; readonly row: number }> {
  const places = new Map<string, { readonly column: number; readonly row: number }>();
  const filled: number[] = [];
  // Stages stand in an order in which each comes after its needs.
  for (const { name, needs } of run.plan.stages) {
    const column = 1 + Math.max(-1, ...needs.map((need) => places.get(need)?.column ?? 0));
    const row = filled[column] ?? 0;
    filled[column] = row + 1;
    places.set(name, { column, row });
  }
  return places;
}
