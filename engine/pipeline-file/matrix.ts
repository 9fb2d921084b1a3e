import type { Node } from 'yaml';
import type { StageDefinition } from '../core/pipeline.ts';
import { given, type Reader, shown } from './reader.ts';

const maxStages = 64;

/** Values by axis: a stage is made for each combination. */
export type Matrix = Readonly<Record<string, readonly string[]>>;

export function readMatrix(reader: Reader, node: Node | null, what: string): Matrix {
  const map = reader.map(node, what);
  const axes: Record<string, readonly string[]> = {};
  for (const { key, value, name } of map === undefined ? [] : reader.entries(map, what)) {
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,30}$/.test(name))
      reader.note(key, `"${shown(name)}" cannot name an axis`, 'Axes have letters, digits, _ and -', 'Rename it');
    const values = reader.texts(value, `${shown(name)} in ${what}`);
    if (values?.length === 0)
      reader.note(
        value,
        `The axis "${shown(name)}" has no values`,
        'A stage is made for each value',
        'List at least one value',
      );
    else given(values, (it) => (axes[name] = [...new Set(it)]));
  }
  return axes;
}

/** The stages that a matrix makes of one; more of them than a pipeline may have are a mistake. */
export function spread(
  reader: Reader,
  { definition, matrix, key }: { readonly definition: StageDefinition; readonly matrix: Matrix; readonly key: Node },
): readonly StageDefinition[] {
  const axes = Object.entries(matrix);
  if (axes.length === 0) return [definition];
  const size = axes.reduce((product, [, values]) => product * values.length, 1);
  if (size > maxStages) {
    reader.note(
      key,
      `The matrix of "${shown(definition.name)}" makes ${size} stages`,
      `At most ${maxStages} are made of one stage`,
      'Leave out values, or split the stage',
    );
    return [definition];
  }
  let cells: (readonly (readonly [string, string])[])[] = [[]];
  for (const [axis, values] of axes)
    cells = cells.flatMap((cell) => values.map((value) => [...cell, [axis, value] as const]));
  return cells.map((cell) => ({
    ...definition,
    name: `${definition.name} (${cell.map(([axis, value]) => `${axis}=${value}`).join(', ')})`,
    image: cell.reduce((image, [axis, value]) => image.replaceAll(`\${${axis}}`, value), definition.image),
    env: {
      ...Object.fromEntries(cell.map(([axis, value]) => [axis.toUpperCase().replaceAll('-', '_'), value])),
      ...definition.env,
    },
  }));
}
