import { isDeepStrictEqual } from 'node:util';
import { type Cause, required, wrong } from '../api/status-error.ts';
import type { IntOrString } from './meta.ts';
import { completeTemplate, templateMistakes } from './pod-rules.ts';
import { matches } from './selectors.ts';
import type { Deployment, ReplicaSet } from './workloads.ts';

export function completeReplicaSet(set: ReplicaSet): ReplicaSet {
  return { ...set, spec: { ...set.spec, template: completeTemplate(set.spec.template) } };
}

export function completeDeployment(deployment: Deployment): Deployment {
  const { spec } = deployment;
  const { strategy } = spec;
  const completed =
    strategy.type === 'Recreate'
      ? strategy
      : {
          ...strategy,
          rollingUpdate: {
            ...strategy.rollingUpdate,
            maxSurge: strategy.rollingUpdate?.maxSurge ?? '25%',
            maxUnavailable: strategy.rollingUpdate?.maxUnavailable ?? '25%',
          },
        };
  return { ...deployment, spec: { ...spec, strategy: completed, template: completeTemplate(spec.template) } };
}

export function replicaSetMistakes(set: ReplicaSet, previous: ReplicaSet | undefined): Cause[] {
  return workloadMistakes(set, previous);
}

export function deploymentMistakes(deployment: Deployment, previous: Deployment | undefined): Cause[] {
  const { strategy, minReadySeconds = 0, progressDeadlineSeconds } = deployment.spec;
  const causes = workloadMistakes(deployment, previous);
  const { maxSurge = 0, maxUnavailable = 0 } = strategy.rollingUpdate ?? {};
  for (const [name, value] of Object.entries({ maxSurge, maxUnavailable })) {
    if (!isCount(value)) {
      causes.push(wrong(`spec.strategy.rollingUpdate.${name}`, value, 'must be a non-negative number or percentage'));
    }
  }
  if (strategy.type === 'Recreate' && strategy.rollingUpdate !== undefined) {
    causes.push({
      field: 'spec.strategy.rollingUpdate',
      reason: 'FieldValueForbidden',
      message: "Forbidden: may not be specified when strategy `type` is 'Recreate'",
    });
  }
  if (strategy.type === 'RollingUpdate' && isZero(maxSurge) && isZero(maxUnavailable)) {
    causes.push(
      wrong('spec.strategy.rollingUpdate.maxUnavailable', maxUnavailable, 'may not be 0 when `maxSurge` is 0'),
    );
  }
  if (progressDeadlineSeconds <= minReadySeconds) {
    causes.push(wrong('spec.progressDeadlineSeconds', progressDeadlineSeconds, 'must be greater than minReadySeconds'));
  }
  return causes;
}

function workloadMistakes(object: Deployment | ReplicaSet, previous: Deployment | ReplicaSet | undefined): Cause[] {
  const { selector, template } = object.spec;
  const causes = templateMistakes(template, 'spec.template');
  const isEmpty = Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;
  if (isEmpty) causes.push(required('spec.selector', 'an empty selector is not valid'));
  if (!isEmpty && !matches(selector, template.metadata.labels)) {
    causes.push(
      wrong('spec.template.metadata.labels', template.metadata.labels, '`selector` does not match template `labels`'),
    );
  }
  if (template.spec.restartPolicy !== 'Always') {
    causes.push({
      field: 'spec.template.spec.restartPolicy',
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${JSON.stringify(template.spec.restartPolicy)}: supported values: "Always"`,
    });
  }
  if (previous !== undefined && !isDeepStrictEqual(previous.spec.selector, selector)) {
    causes.push(wrong('spec.selector', selector, 'field is immutable'));
  }
  return causes;
}

function isCount(value: IntOrString): boolean {
  return typeof value === 'number' ? value >= 0 : /^\d+%$/.test(value);
}

function isZero(value: IntOrString): boolean {
  return value === 0 || value === '0%';
}
