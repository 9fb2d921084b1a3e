import { badRequest } from '../api/status-error.ts';
import type { KubeObject, LabelSelector } from './meta.ts';

type Labels = Readonly<Record<string, string>>;
export type Predicate<T> = (value: T) => boolean;

type Requirement = NonNullable<LabelSelector['matchExpressions']>[number];

/** Whether labels fit a selector object; an empty one fits all. */
export function matches(selector: LabelSelector, labels: Labels = {}): boolean {
  const isEqual = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return isEqual && (selector.matchExpressions ?? []).every((requirement) => isMet(requirement, labels));
}

function isMet({ key, operator, values = [] }: Requirement, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

/** Prints a selector as the scale subresource and tables do. */
export function selectorText(selector: LabelSelector): string {
  const equal = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return [...equal, ...(selector.matchExpressions ?? []).map(requirementText)].join(',');
}

function requirementText({ key, operator, values = [] }: Requirement): string {
  switch (operator) {
    case 'In':
      return `${key} in (${values.join(',')})`;
    case 'NotIn':
      return `${key} notin (${values.join(',')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
  }
}

const labelKey = /^([a-z0-9A-Z.-]+\/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/;

/** Reads `a=b,c!=d,e in (f,g),!h`. @throws StatusError 400 */
export function parseLabelSelector(text: string): Predicate<Labels | undefined> {
  const parts = text.match(/[^,(]+(\([^)]*\))?/g) ?? [];
  const tests = parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseRequirement);
  return (labels = {}) => tests.every((test) => test(labels));
}

function parseRequirement(text: string): Predicate<Labels> {
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(text);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return operator === 'in'
      ? (labels) => labels[key] !== undefined && values.includes(labels[key])
      : (labels) => labels[key] === undefined || !values.includes(labels[key]);
  }
  const equality = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/.exec(text);
  if (equality !== null) {
    const [, key = '', operator, value] = equality;
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const [, not, key = ''] = /^(!?)\s*(\S+)$/.exec(text) ?? [];
  if (!labelKey.test(key)) throw badRequest(`unable to parse requirement: ${JSON.stringify(text)}`);
  return not === '!' ? (labels) => labels[key] === undefined : (labels) => labels[key] !== undefined;
}

/** Reads `a.b=c,d!=e` for the fields that a kind allows. @throws StatusError 400 */
export function parseFieldSelector(text: string, allowed: readonly string[]): Predicate<KubeObject> {
  const fields = ['metadata.name', 'metadata.namespace', ...allowed];
  const tests = text
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part): Predicate<KubeObject> => {
      const [, field = '', operator, value = ''] = /^\s*([\w.]+)\s*(==|=|!=)\s*(.*?)\s*$/.exec(part) ?? [];
      if (operator === undefined) throw badRequest(`invalid selector: ${JSON.stringify(part)}; can't understand it`);
      if (!fields.includes(field)) throw badRequest(`field label not supported: ${field}`);
      return operator === '!='
        ? (object) => fieldText(object, field) !== value
        : (object) => fieldText(object, field) === value;
    });
  return (object) => tests.every((test) => test(object));
}

function fieldText(object: KubeObject, path: string): string {
  const value = path.split('.').reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), object);
  return value === undefined || value === null ? '' : String(value);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
