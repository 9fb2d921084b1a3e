import type { DeployTarget } from '../../../engine/core/pipeline.ts';

/** A service that answers at its root, with the facts that a test is about laid over it. */
export function deployTarget(facts: Partial<DeployTarget> = {}): DeployTarget {
  return {
    environment: 'production',
    source: { type: 'image', image: `registry.example/web@sha256:${'a'.repeat(64)}` },
    service: 'web',
    port: 8_080,
    replicas: 1,
    env: {},
    readyPath: '/',
    readyWithinMs: 1_000,
    onNotReady: 'rollback',
    smoke: { path: '/', expectStatus: 200, timeoutMs: 1_000 },
    ...facts,
  };
}
