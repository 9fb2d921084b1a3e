import type { KubeObject } from '../objects/meta.ts';
import { apiVersionOf, type Resource } from '../objects/resource.ts';

/**
 * As much OpenAPI v3 as kubectl needs to find that the server checks fields and dry runs itself (it then sends
 * `fieldValidation` instead of checking by a schema of its own). Schemas of the kinds are not told.
 */
export function openApi(resources: readonly Resource<KubeObject>[], pathname: string): object | undefined {
  const prefixOf = (resource: Resource<KubeObject>): string =>
    resource.group === '' ? 'api/v1' : `apis/${apiVersionOf(resource)}`;
  if (pathname === '/openapi/v3') {
    const prefixes = [...new Set(resources.map(prefixOf))];
    return {
      paths: Object.fromEntries(
        prefixes.map((prefix) => [prefix, { serverRelativeURL: `/openapi/v3/${prefix}?hash=embedded` }]),
      ),
    };
  }
  const own = resources.filter((resource) => pathname === `/openapi/v3/${prefixOf(resource)}`);
  if (own.length === 0) return undefined;
  return {
    openapi: '3.0.0',
    info: { title: 'Slipway embedded cluster', version: 'v1.34.0' },
    paths: Object.fromEntries(
      own.map((resource) => {
        const namespace = resource.isNamespaced ? '/namespaces/{namespace}' : '';
        return [`/${prefixOf(resource)}${namespace}/${resource.plural}/{name}`, pathItem(resource)];
      }),
    ),
    components: { schemas: {} },
  };
}

function pathItem({ group, version, kind }: Resource<KubeObject>): object {
  const parameter = (name: string) => ({ name, in: 'query', schema: { type: 'string' } });
  return {
    patch: {
      operationId: `patch${kind}`,
      parameters: ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map(parameter),
      responses: { 200: { description: 'OK' } },
      'x-kubernetes-action': 'patch',
      'x-kubernetes-group-version-kind': { group, version, kind },
    },
  };
}
