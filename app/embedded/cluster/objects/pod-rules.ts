import { isDeepStrictEqual } from 'node:util';
import { type Cause, required, wrong } from '../api/status-error.ts';
import { labelMistake, labelsMistakes } from './names.ts';
import type { Container, Pod, PodSpec, PodTemplate, Probe } from './pod.ts';

/** Fills in what the schema cannot: values that follow from other values. */
export function completePodSpec(spec: PodSpec): PodSpec {
  return {
    ...spec,
    serviceAccountName: spec.serviceAccountName ?? 'default',
    serviceAccount: spec.serviceAccountName ?? 'default',
    containers: spec.containers.map(completeContainer),
    ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(completeContainer) }),
  };
}

function completeContainer(container: Container): Container {
  const { requests, limits } = container.resources;
  if (limits === undefined) return container;
  return { ...container, resources: { ...container.resources, requests: { ...limits, ...requests } } };
}

export function completeTemplate(template: PodTemplate): PodTemplate {
  return { ...template, spec: completePodSpec(template.spec) };
}

export function podMistakes(pod: Pod, previous: Pod | undefined): Cause[] {
  if (previous === undefined) return specMistakes(pod.spec, 'spec');
  const isSame = isDeepStrictEqual(withoutMutable(pod.spec), withoutMutable(previous.spec));
  if (isSame) return [];
  return [
    {
      field: 'spec',
      reason: 'FieldValueForbidden',
      message:
        'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    },
  ];
}

function withoutMutable(spec: PodSpec): object {
  const withoutImage = ({ image: _image, ...container }: Container) => container;
  const { activeDeadlineSeconds: _deadline, tolerations: _tolerations, ...rest } = spec;
  return {
    ...rest,
    containers: spec.containers.map(withoutImage),
    initContainers: (spec.initContainers ?? []).map(withoutImage),
  };
}

export function templateMistakes(template: PodTemplate, field: string): Cause[] {
  return [
    ...labelsMistakes(`${field}.metadata.labels`, template.metadata.labels ?? {}),
    ...specMistakes(template.spec, `${field}.spec`),
  ];
}

function specMistakes(spec: PodSpec, field: string): Cause[] {
  const causes: Cause[] = [];
  const volumes = new Set<string>();
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    const at = `${field}.volumes[${index}]`;
    causes.push(...labelMistake(`${at}.name`, volume.name), ...duplicate(`${at}.name`, volume.name, volumes));
    const { emptyDir, configMap, secret, projected, downwardAPI } = volume;
    const kinds = [emptyDir, configMap, secret, projected, downwardAPI].filter((source) => source !== undefined);
    if (kinds.length === 0) {
      causes.push(
        required(at, 'one of emptyDir, configMap, secret, projected, downwardAPI: others are not served here'),
      );
    }
    if (kinds.length > 1) causes.push(forbidden(at, 'may not specify more than 1 volume type'));
  }
  const names = new Set<string>();
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      const at = `${field}.${list}[${index}]`;
      causes.push(...labelMistake(`${at}.name`, container.name), ...duplicate(`${at}.name`, container.name, names));
      causes.push(...containerMistakes(container, at, volumes));
      if (list === 'initContainers' && container['restartPolicy'] === 'Always') {
        causes.push(forbidden(`${at}.restartPolicy`, 'sidecars among init containers are not served here'));
      }
    }
  }
  return causes;
}

function containerMistakes(container: Container, at: string, volumes: ReadonlySet<string>): Cause[] {
  const causes: Cause[] = [];
  const paths = new Set<string>();
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const field = `${at}.volumeMounts[${index}]`;
    if (!volumes.has(mount.name)) {
      causes.push({
        field: `${field}.name`,
        reason: 'FieldValueNotFound',
        message: `Not found: ${JSON.stringify(mount.name)}`,
      });
    }
    if (!mount.mountPath.startsWith('/'))
      causes.push(wrong(`${field}.mountPath`, mount.mountPath, 'must be absolute here'));
    if (paths.has(mount.mountPath)) causes.push(wrong(`${field}.mountPath`, mount.mountPath, 'must be unique'));
    paths.add(mount.mountPath);
    if (mount.subPath !== undefined && (mount.subPath.startsWith('/') || mount.subPath.split('/').includes('..'))) {
      causes.push(wrong(`${field}.subPath`, mount.subPath, "must be a relative path without '..'"));
    }
  }
  for (const [index, variable] of (container.env ?? []).entries()) {
    if (/[=\0]/.test(variable.name))
      causes.push(wrong(`${at}.env[${index}].name`, variable.name, "may not contain '='"));
    if (variable.valueFrom !== undefined && variable.value !== undefined && variable.value !== '') {
      causes.push(forbidden(`${at}.env[${index}].valueFrom`, 'may not be specified when `value` is not empty'));
    }
  }
  for (const kind of ['readinessProbe', 'livenessProbe', 'startupProbe'] as const) {
    const probe = container[kind];
    if (probe !== undefined) causes.push(...probeMistakes(probe, `${at}.${kind}`));
  }
  return causes;
}

function probeMistakes(probe: Probe, at: string): Cause[] {
  const handlers = [probe.httpGet, probe.tcpSocket, probe.exec].filter((handler) => handler !== undefined);
  if (handlers.length === 0) return [required(at, 'must specify a handler type: httpGet, tcpSocket or exec')];
  return handlers.length > 1 ? [forbidden(at, 'may not specify more than 1 handler type')] : [];
}

function duplicate(field: string, value: string, seen: Set<string>): Cause[] {
  if (!seen.has(value)) {
    seen.add(value);
    return [];
  }
  return [{ field, reason: 'FieldValueDuplicate', message: `Duplicate value: ${JSON.stringify(value)}` }];
}

function forbidden(field: string, message: string): Cause {
  return { field, reason: 'FieldValueForbidden', message: `Forbidden: ${message}` };
}
