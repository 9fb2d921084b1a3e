import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../log.ts';
import type { KubeObject } from '../objects/meta.ts';
import { apiVersionOf } from '../objects/resource.ts';
import { isRecord } from '../objects/selectors.ts';
import { type AnyCollection, allCollections, type Objects } from '../store/objects.ts';
import { deleteObject, parseDeleteOptions } from './deletion.ts';
import type { Discovery } from './discovery.ts';
import { listObjects, selectionOf } from './listing.ts';
import { notServed } from './not-served.ts';
import { openApi } from './openapi.ts';
import { applyPlainPatch } from './patch.ts';
import { type Body, parsePath, type ResourcePath, readBody, withoutNulls } from './request.ts';
import { sendJson } from './respond.ts';
import { getScale, putScale } from './scale.ts';
import { serverSideApply } from './server-side-apply.ts';
import { badRequest, methodNotAllowed, StatusError } from './status-error.ts';
import { toTable, wantsTable } from './table.ts';
import { answerReview } from './virtual.ts';
import { watchObjects } from './watch.ts';
import type { Writes } from './writes.ts';

/** Subresources that are more than a view of the object: pod logs, tokens, the proxy to a Service. */
export interface Subresources {
  /** @returns whether it answered */
  serve(path: ResourcePath, url: URL, request: IncomingMessage, response: ServerResponse): Promise<boolean>;
}

const openApiV2Type = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** What an API request needs. */
export interface ApiParts {
  readonly objects: Objects;
  readonly writes: Writes;
  readonly discovery: Discovery;
  readonly subresources: Subresources;
  readonly log: Logger;
  readonly now: () => Date;
  readonly stopped: AbortSignal;
}

interface Call {
  readonly collection: AnyCollection;
  readonly path: ResourcePath;
  readonly namespace: string;
  readonly url: URL;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Answers the requests of the Kubernetes API that were let in. */
export class ApiHandler {
  readonly #parts: ApiParts;
  readonly #collections: ReadonlyMap<string, AnyCollection>;

  constructor(parts: ApiParts) {
    this.#parts = parts;
    this.#collections = new Map(
      allCollections(parts.objects).map((collection) => [
        `${apiVersionOf(collection.resource)}/${collection.resource.plural}`,
        collection,
      ]),
    );
  }

  /** @throws StatusError */
  async handle(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') {
      const resources = allCollections(this.#parts.objects).map(({ resource }) => resource);
      const known = this.#parts.discovery.answer(url.pathname) ?? openApi(resources, url.pathname);
      if (known !== undefined) return sendJson(response, 200, known);
      if (url.pathname === '/openapi/v2') {
        // Read as protobuf, of which nothing at all is an empty document: kubectl then asks for the kind, and finds none.
        response.writeHead(200, { 'content-type': openApiV2Type }).end();
        return;
      }
      if (/^\/(healthz|livez|readyz)$/.test(url.pathname)) {
        response.writeHead(200, { 'content-type': 'text/plain' }).end('ok');
        return;
      }
    }
    const path = parsePath(url.pathname);
    if (path === undefined) throw pathNotFound();
    if (await this.#parts.subresources.serve(path, url, request, response)) return;
    const collection = this.#collections.get(`${apiVersionOf(path)}/${path.plural}`);
    if (collection === undefined) {
      if (request.method !== 'POST') throw pathNotFound();
      const review = answerReview(path, (await readBody(request)).value);
      if (review === undefined) throw pathNotFound();
      return sendJson(response, 201, review);
    }
    const call = { collection, path, namespace: path.namespace ?? '', url, request, response };
    if (collection.resource.isNamespaced && path.namespace === undefined && path.name !== undefined)
      throw pathNotFound();
    return path.name === undefined ? this.#handleCollection(call) : this.#handleObject(call, path.name);
  }

  async #handleCollection(call: Call): Promise<void> {
    const { collection, path, url, request, response } = call;
    switch (request.method) {
      case 'GET':
        if (isTrue(url.searchParams.get('watch'))) {
          const { now, stopped } = this.#parts;
          const { accept } = request.headers;
          return watchObjects(collection, path.namespace, url.searchParams, response, { accept, now, stopped });
        }
        return this.#sendList(call);
      case 'POST': {
        const body = withoutNulls((await readBody(request)).value);
        const object = this.#parts.writes.create(collection, call.namespace, body, dryRunOf(url));
        return this.#sendObject(call, 201, object);
      }
      case 'DELETE': {
        const options = parseDeleteOptions((await readBody(request)).value, url.searchParams);
        const isSelected = selectionOf(collection, path.namespace, url.searchParams);
        const items = collection.list().filter(isSelected);
        for (const { metadata } of items) {
          if (dryRunOf(url).dryRun) continue;
          deleteObject(collection, metadata.namespace ?? '', metadata.name, options, this.#parts.now());
        }
        return sendJson(response, 200, this.#listObject(collection, items, {}));
      }
      default:
        throw methodNotAllowed();
    }
  }

  async #handleObject(call: Call, name: string): Promise<void> {
    const { collection, namespace, path, url, request, response } = call;
    const { now } = this.#parts;
    const { subresource } = path;
    const isKnown = subresource === undefined || collection.resource.subresources.some((own) => own === subresource);
    if (!isKnown) throw notServed(collection.resource, subresource ?? '') ?? pathNotFound();
    switch (request.method) {
      case 'GET': {
        const object = collection.get(namespace, name);
        return subresource === 'scale'
          ? sendJson(response, 200, getScale(object))
          : this.#sendObject(call, 200, object);
      }
      case 'PUT': {
        const body = withoutNulls((await readBody(request)).value);
        return this.#sendObject(call, 200, this.#put(call, name, body));
      }
      case 'PATCH': {
        const { code, object } = this.#patch(call, name, await readBody(request));
        return this.#sendObject(call, code, object);
      }
      case 'DELETE': {
        if (subresource !== undefined) throw methodNotAllowed();
        const options = parseDeleteOptions((await readBody(request)).value, url.searchParams);
        if (dryRunOf(url).dryRun) return this.#sendObject(call, 200, collection.get(namespace, name));
        const { object, isGone } = deleteObject(collection, namespace, name, options, now());
        if (!isGone || object.kind === 'Pod') return this.#sendObject(call, 200, object);
        return sendJson(response, 200, {
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Success',
          details: {
            name,
            kind: collection.resource.plural,
            uid: object.metadata.uid,
            group: collection.resource.group,
          },
        });
      }
      case 'POST':
        if (subresource === undefined) throw methodNotAllowed();
        throw pathNotFound();
      default:
        throw methodNotAllowed();
    }
  }

  /** @returns the object as its part (all, status or scale) shows it */
  #put({ collection, namespace, path, url }: Call, name: string, body: unknown): KubeObject {
    const { writes } = this.#parts;
    switch (path.subresource) {
      case 'status':
        return writes.updateStatus(collection, namespace, name, body);
      case 'scale':
        return getScale(
          writes.update(collection, namespace, name, putScale(collection.get(namespace, name), body), dryRunOf(url)),
        );
      default:
        return writes.update(collection, namespace, name, body, dryRunOf(url));
    }
  }

  #patch(call: Call, name: string, body: Body): { readonly code: number; readonly object: KubeObject } {
    const { collection, namespace, path, url } = call;
    const isApply = body.type.startsWith('application/apply-patch');
    if (!isApply) {
      // One thread and no await: nothing comes between this read and the write, so there is nothing to retry.
      const live = collection.get(namespace, name);
      const base = path.subresource === 'scale' ? getScale(live) : live;
      const next = withoutNulls(applyPlainPatch(base, body.value, body.type, collection.resource.kind));
      return { code: 200, object: this.#put(call, name, next) };
    }
    const live = path.subresource === undefined ? collection.find(namespace, name) : collection.get(namespace, name);
    const applied = withoutNulls(body.value);
    if (!isRecord(applied)) throw badRequest('an applied configuration must be an object');
    const next = serverSideApply(live, applied, {
      manager: url.searchParams.get('fieldManager') ?? '',
      conflicts: isTrue(url.searchParams.get('force')) ? 'force' : 'fail',
      resource: collection.resource,
      now: this.#parts.now(),
    });
    if (live !== undefined) return { code: 200, object: this.#put(call, name, next) };
    const { metadata } = next;
    const named = { ...next, metadata: { ...(isRecord(metadata) ? metadata : {}), name } };
    return { code: 201, object: this.#parts.writes.create(collection, namespace, named, dryRunOf(url)) };
  }

  #sendObject({ collection, request, response, url }: Call, code: number, object: KubeObject): void {
    if (!wantsTable(request.headers.accept)) {
      sendJson(response, code, object, warningsFor(collection, request));
      return;
    }
    const include = url.searchParams.get('includeObject') ?? 'Metadata';
    const list = { resourceVersion: object.metadata.resourceVersion };
    sendJson(response, code, toTable(collection.resource, [object], list, { include, now: this.#parts.now() }));
  }

  #sendList({ collection, path, url, request, response }: Call): void {
    const { items, metadata } = listObjects(collection, path.namespace, url.searchParams);
    if (!wantsTable(request.headers.accept)) {
      sendJson(response, 200, this.#listObject(collection, items, metadata));
      return;
    }
    const include = url.searchParams.get('includeObject') ?? 'Metadata';
    sendJson(response, 200, toTable(collection.resource, items, metadata, { include, now: this.#parts.now() }));
  }

  #listObject({ resource, version }: AnyCollection, items: readonly KubeObject[], metadata: object): object {
    return {
      kind: `${resource.kind}List`,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: String(version), ...metadata },
      items,
    };
  }
}

/** What `kubectl` shows people once more than the answer. */
function warningsFor({ resource }: AnyCollection, { method }: IncomingMessage): readonly string[] {
  const isWrite = method === 'POST' || method === 'PUT' || method === 'PATCH';
  return isWrite && resource.kind === 'NetworkPolicy'
    ? ['network policies are kept but not enforced on the embedded cluster']
    : [];
}

function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1';
}

function dryRunOf(url: URL): { dryRun?: true } {
  return url.searchParams.getAll('dryRun').includes('All') ? { dryRun: true } : {};
}

function pathNotFound(): StatusError {
  // kubectl reads the details of a 404 without asking whether there are any.
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}
