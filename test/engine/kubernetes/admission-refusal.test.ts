import { expect, it } from 'vitest';
import { refusalOf } from '../../../engine/kubernetes/admission-refusal.ts';

const pod = 'pods "run-a" is forbidden:';

it.each([
  [
    'waits where a quota is used up for now',
    `${pod} exceeded quota: stages, requested: pods=1,requests.cpu=1100m, used: pods=4,requests.cpu=4, limited: pods=4,requests.cpu=8`,
    'exhausted',
    'another stage of this tenant ends',
  ],
  [
    'gives up where a stage alone is more than the quota',
    `${pod} exceeded quota: stages, requested: requests.memory=65Gi, used: requests.memory=0, limited: requests.memory=64Gi`,
    'invalid',
    'more requests.memory than the whole quota',
  ],
  [
    'names the largest stage',
    `${pod} maximum memory usage per Container is 16Gi, but limit is 32Gi`,
    'invalid',
    'largestStage',
  ],
  ['tells a rule of the cluster', `admission webhook "x.example" denied the request: no`, 'denied', 'a rule of theirs'],
  ['tells Pod Security', `${pod} violates PodSecurity "restricted:latest": privileged`, 'denied', 'restricted'],
  [
    'comes back after a namespace went',
    `${pod} unable to create new content in namespace x because it is being terminated`,
    'unavailable',
    'made anew',
  ],
  [
    'comes back when the namespace is not ready',
    `${pod} error looking up service account x/default: serviceaccount "default" not found`,
    'unavailable',
    'tried again',
  ],
  [
    'tells a missing right',
    'pods is forbidden: User "system:serviceaccount:a:b" cannot create resource "pods" in API group "" in the namespace "x"',
    'denied',
    'the right',
  ],
])('%s', (_, why, code, fix) => {
  const refusal = refusalOf(why);
  expect(refusal.code).toBe(code);
  expect(refusal.fix).toContain(fix);
});
