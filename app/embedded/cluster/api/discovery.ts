import type { KubeObject } from '../objects/meta.ts';
import { apiVersionOf, type Resource, type Verb } from '../objects/resource.ts';

const verbs: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

interface Listed {
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly group?: string;
  readonly version?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

/** Resources that answer questions and keep nothing. */
const virtual: Readonly<Record<string, readonly Listed[]>> = {
  'authorization.k8s.io': ['SelfSubjectAccessReview', 'SelfSubjectRulesReview', 'SubjectAccessReview'].map((kind) => ({
    name: `${kind.toLowerCase()}s`,
    singularName: kind.toLowerCase(),
    namespaced: false,
    kind,
    verbs: ['create'],
  })),
  'authentication.k8s.io': [
    {
      name: 'selfsubjectreviews',
      singularName: 'selfsubjectreview',
      namespaced: false,
      kind: 'SelfSubjectReview',
      verbs: ['create'],
    },
  ],
};

/** Answers of `/api`, `/apis`, their groups and `/version`, from which clients learn what there is. */
export class Discovery {
  readonly #resources: readonly Resource<KubeObject>[];

  constructor(resources: readonly Resource<KubeObject>[]) {
    this.#resources = resources;
  }

  /** The answer for a path, or undefined where it is no discovery path. */
  answer(pathname: string): object | undefined {
    const parts = pathname.split('/').filter((part) => part !== '');
    const path = parts.join('/');
    if (path === 'version') return version;
    if (path === 'api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
    if (path === 'api/v1') return this.#listOf('');
    if (path === 'apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: this.#groups().map(groupObject) };
    if (parts[0] !== 'apis' || !this.#groups().includes(parts[1] ?? '')) return undefined;
    if (parts.length === 2) return { kind: 'APIGroup', apiVersion: 'v1', ...groupObject(parts[1] ?? '') };
    return parts.length === 3 && parts[2] === 'v1' ? this.#listOf(parts[1] ?? '') : undefined;
  }

  #groups(): string[] {
    const groups = this.#resources.map(({ group }) => group).filter((group) => group !== '');
    return [...new Set([...groups, ...Object.keys(virtual)])];
  }

  #listOf(group: string): object {
    const own = this.#resources.filter((resource) => resource.group === group).flatMap(listed);
    return {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: apiVersionOf({ group, version: 'v1' }),
      resources: [...own, ...(virtual[group] ?? [])],
    };
  }
}

function listed(resource: Resource<KubeObject>): Listed[] {
  const { plural, kind, isNamespaced, shortNames, categories } = resource;
  const part = (name: string, options: Partial<Listed>): Listed => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced: isNamespaced,
    kind,
    verbs: ['get', 'patch', 'update'],
    ...options,
  });
  return [
    {
      name: plural,
      singularName: resource.singular,
      namespaced: isNamespaced,
      kind,
      verbs,
      ...(shortNames.length === 0 ? {} : { shortNames }),
      ...(categories.length === 0 ? {} : { categories }),
    },
    ...resource.subresources.map((name) =>
      part(name, name === 'scale' ? { kind: 'Scale', group: 'autoscaling', version: 'v1' } : {}),
    ),
    ...(kind === 'Pod'
      ? [
          part('log', { verbs: ['get'] }),
          part('eviction', { verbs: ['create'], kind: 'Eviction', group: 'policy', version: 'v1' }),
        ]
      : []),
    ...(kind === 'ServiceAccount'
      ? [part('token', { verbs: ['create'], kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1' })]
      : []),
    ...(kind === 'Service'
      ? [part('proxy', { verbs: ['get', 'create', 'update', 'patch', 'delete'], kind: 'ServiceProxyOptions' })]
      : []),
  ];
}

function groupObject(name: string): object {
  const preferred = { groupVersion: `${name}/v1`, version: 'v1' };
  return { name, versions: [preferred], preferredVersion: preferred };
}

/** As `/version` tells it; by it an embedded cluster is known. */
export const gitVersion = 'v1.34.0+slipway-embedded';

const version = {
  major: '1',
  minor: '34',
  gitVersion,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: `${process.platform}/${process.arch}`,
};
