import { ageColumn, nameColumn } from '../objects/columns.ts';
import type { KubeObject } from '../objects/meta.ts';
import type { Column, Resource } from '../objects/resource.ts';

/** How kubectl asks for a table instead of objects. */
export function wantsTable(accept: string | undefined): boolean {
  return /application\/json\s*;[^,]*\bas=Table\b/.test(accept ?? '');
}

function columnsOf(resource: Resource<KubeObject>): readonly Column<KubeObject>[] {
  const own = resource.columns.length === 0 ? [ageColumn] : resource.columns;
  return resource.kind === 'Event' ? own : [nameColumn, ...own];
}

/** Objects as a table. @param include what each row carries besides its cells: `Metadata`, `Object` or `None` */
export function toTable(
  resource: Resource<KubeObject>,
  objects: readonly KubeObject[],
  list: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number },
  options: { readonly include: string; readonly now: Date },
): object {
  const columns = columnsOf(resource);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: list,
    columnDefinitions: columns.map(({ name, priority = 0 }) => ({
      name,
      type: 'string',
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.value(object, options.now)),
      ...rowObject(object, options.include),
    })),
  };
}

function rowObject(object: KubeObject, include: string): object {
  if (include === 'None') return {};
  if (include === 'Object') return { object };
  return { object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata } };
}
