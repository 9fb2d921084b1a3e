import { type Cause, required, wrong } from '../api/status-error.ts';
import type { KubeObject } from './meta.ts';

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const qualifiedName = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/;
const annotationBytes = 256 * 1024;

const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const labelRule =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";

function isLabel(text: string): boolean {
  return text.length <= 63 && label.test(text);
}

export function labelMistake(field: string, text: string): Cause[] {
  return isLabel(text) ? [] : [wrong(field, text, labelRule)];
}

/** Mistakes in what all kinds share: names, labels, annotations. */
export function metadataMistakes(object: KubeObject, rule: 'label' | 'subdomain' | 'any'): Cause[] {
  const { name, labels = {}, annotations = {}, finalizers = [] } = object.metadata;
  const causes: Cause[] = [];
  if (name === '') return [required('metadata.name', 'name or generateName is required')];
  if (rule === 'label') causes.push(...labelMistake('metadata.name', name));
  if (rule === 'subdomain' && (name.length > 253 || !subdomain.test(name))) {
    causes.push(wrong('metadata.name', name, subdomainRule));
  }
  if (rule === 'any' && (name.includes('/') || name.includes('%') || name === '.' || name === '..')) {
    causes.push(wrong('metadata.name', name, "may not contain '/' or '%', nor be '.' or '..'"));
  }
  causes.push(...labelsMistakes('metadata.labels', labels));
  for (const key of Object.keys(annotations)) {
    if (!qualifiedName.test(key.toLowerCase())) causes.push(wrong('metadata.annotations', key, 'not a qualified name'));
  }
  const bytes = Object.entries(annotations).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  if (bytes > annotationBytes) {
    causes.push({
      field: 'metadata.annotations',
      reason: 'FieldValueTooLong',
      message: `Too long: may not be more than ${annotationBytes} bytes`,
    });
  }
  for (const finalizer of finalizers) {
    if (!qualifiedName.test(finalizer)) causes.push(wrong('metadata.finalizers', finalizer, 'not a qualified name'));
  }
  return causes;
}

export function labelsMistakes(field: string, labels: Readonly<Record<string, string>>): Cause[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...(qualifiedName.test(key) ? [] : [wrong(field, key, 'name part must consist of alphanumeric characters')]),
    ...(labelValue.test(value)
      ? []
      : [
          wrong(
            field,
            value,
            'a valid label must be an empty string or consist of alphanumeric characters, "-", "_" or ".", at most 63',
          ),
        ]),
  ]);
}
