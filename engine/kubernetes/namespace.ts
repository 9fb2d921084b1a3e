import { createHash } from 'node:crypto';

/** Name of a tenant's namespace: a DNS label, readable as far as the tenant's id is, and never another tenant's. */
export function tenantNamespace(prefix: string, tenant: string): string {
  return label(prefix, tenant);
}

/** Name of the namespace of one of a tenant's environments. */
export function environmentNamespace(prefix: string, tenant: string, environment: string): string {
  return label(prefix, `${tenant}/${environment}`);
}

function label(prefix: string, text: string): string {
  const readable = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 30);
  return `${prefix}-${readable}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}
