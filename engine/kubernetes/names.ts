/** Of pods that are attempts. */
export const labels = { run: 'slipway.dev/run', attempt: 'slipway.dev/attempt', role: 'slipway.dev/role' } as const;
/** Free text, so no labels. */
export const annotations = {
  stage: 'slipway.dev/stage',
  tenant: 'slipway.dev/tenant',
  repository: 'slipway.dev/repository',
  environment: 'slipway.dev/environment',
} as const;
/** Of namespaces that hold deployed services, for whoever may reach them: a hash of the tenant. */
export const servicesOf = 'slipway.dev/services-of';
/** Of all that Slipway makes in a cluster. */
export const managedBy = { 'app.kubernetes.io/managed-by': 'slipway' } as const;
