import type { KubeObject } from '../objects/meta.ts';
import { registry } from '../objects/registry.ts';
import { Collection } from './collection.ts';
import type { ObjectDatabase } from './database.ts';

/** One collection for each kind. */
export type Objects = ReturnType<typeof openObjects>;

export function openObjects(database: ObjectDatabase) {
  return {
    namespaces: new Collection(registry.namespaces, database),
    nodes: new Collection(registry.nodes, database),
    pods: new Collection(registry.pods, database),
    configMaps: new Collection(registry.configMaps, database),
    secrets: new Collection(registry.secrets, database),
    services: new Collection(registry.services, database),
    endpoints: new Collection(registry.endpoints, database),
    serviceAccounts: new Collection(registry.serviceAccounts, database),
    events: new Collection(registry.events, database),
    resourceQuotas: new Collection(registry.resourceQuotas, database),
    limitRanges: new Collection(registry.limitRanges, database),
    deployments: new Collection(registry.deployments, database),
    replicaSets: new Collection(registry.replicaSets, database),
    endpointSlices: new Collection(registry.endpointSlices, database),
    leases: new Collection(registry.leases, database),
    networkPolicies: new Collection(registry.networkPolicies, database),
    podDisruptionBudgets: new Collection(registry.podDisruptionBudgets, database),
    roles: new Collection(registry.roles, database),
    roleBindings: new Collection(registry.roleBindings, database),
    clusterRoles: new Collection(registry.clusterRoles, database),
    clusterRoleBindings: new Collection(registry.clusterRoleBindings, database),
    priorityClasses: new Collection(registry.priorityClasses, database),
  };
}

export type AnyCollection = Collection<KubeObject>;

/** All collections, where the kind does not matter. */
export function allCollections(objects: Objects): AnyCollection[] {
  return Object.values(objects);
}
