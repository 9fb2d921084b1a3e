import type { z } from 'zod';
import type { Cause, ResourceName } from '../api/status-error.ts';
import type { KubeObject } from './meta.ts';

/** A column of what `kubectl get` prints; those of priority 1 are for `-o wide`. */
export interface Column<T extends KubeObject> {
  readonly name: string;
  readonly priority?: 1;
  value(object: T, now: Date): string | number;
}

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

/** A kind of the API: its names, its shape and its own rules. */
export interface Resource<T extends KubeObject> extends ResourceName {
  readonly version: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly isNamespaced: boolean;
  readonly subresources: readonly ('status' | 'scale')[];
  /** Fields that a list may be narrowed by, besides name and namespace. */
  readonly fields: readonly string[];
  readonly columns: readonly Column<T>[];
  /** @throws ZodError */
  parse(input: unknown): T;
  /** Fills in what a new or changed object leaves out. */
  complete(object: T): T;
  /** Mistakes; `previous` is absent for a new object. */
  mistakes(object: T, previous: T | undefined): Cause[];
}

export type ResourceOptions<T extends KubeObject> = Pick<Resource<T>, 'version' | 'plural' | 'kind'> &
  Partial<
    Pick<
      Resource<T>,
      | 'group'
      | 'singular'
      | 'shortNames'
      | 'categories'
      | 'isNamespaced'
      | 'subresources'
      | 'fields'
      | 'columns'
      | 'complete'
      | 'mistakes'
    >
  > & { readonly schema: z.ZodType<T> };

export function defineResource<T extends KubeObject>({ schema, ...options }: ResourceOptions<T>): Resource<T> {
  return {
    group: '',
    singular: options.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    isNamespaced: true,
    subresources: [],
    fields: [],
    columns: [],
    complete: (object) => object,
    mistakes: () => [],
    ...options,
    parse: (input) => schema.parse(input),
  };
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === '' ? version : `${group}/${version}`;
}
