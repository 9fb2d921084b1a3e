import type { ServerResponse } from 'node:http';
import type { KubeObject } from '../objects/meta.ts';
import { apiVersionOf } from '../objects/resource.ts';
import type { Change, Collection } from '../store/collection.ts';
import { numberOf, selectionOf } from './listing.ts';
import { expired } from './status-error.ts';
import { toTable, wantsTable } from './table.ts';

/** Well under the half minute of silence after which client-node gives a watch up. */
const bookmarkMs = 10_000;
const defaultSeconds = 1_800;
/** A reader that falls this far behind is cut off and lists again; memory stays bounded. */
const backlogBytes = 16 * 1024 * 1024;

/** Streams changes until the client leaves, the time is over, or the server stops. @throws StatusError 400 */
export function watchObjects<T extends KubeObject>(
  collection: Collection<T>,
  namespace: string | undefined,
  query: URLSearchParams,
  response: ServerResponse,
  options: { readonly accept: string | undefined; readonly now: () => Date; readonly stopped: AbortSignal },
): void {
  const { resource } = collection;
  const isSelected = selectionOf(collection, namespace, query);
  const from = query.get('resourceVersion') ?? '';
  const hasBookmarks = query.get('allowWatchBookmarks') === 'true' || query.get('allowWatchBookmarks') === '1';
  const wantsInitial = query.get('sendInitialEvents') === 'true';
  const timeoutMs = (numberOf(query, 'timeoutSeconds') ?? defaultSeconds) * 1000;
  const isTable = wantsTable(options.accept);
  const include = query.get('includeObject') ?? 'Metadata';
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();

  const write = (type: string, object: object): void => {
    response.write(`${JSON.stringify({ type, object })}\n`);
    if (response.writableLength > backlogBytes) response.destroy();
  };
  const show = (type: string, object: KubeObject): void =>
    write(
      type,
      isTable
        ? toTable(
            resource,
            [object],
            { resourceVersion: object.metadata.resourceVersion },
            { include, now: options.now() },
          )
        : object,
    );
  const bookmark = (annotations?: Record<string, string>): void =>
    write('BOOKMARK', {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: {
        resourceVersion: String(collection.version),
        creationTimestamp: null,
        ...(annotations && { annotations }),
      },
    });
  const send = (change: Change<T>): void => {
    const is = isSelected(change.object);
    const was = change.previous !== undefined && isSelected(change.previous);
    if (change.type === 'DELETED') {
      if (was) show('DELETED', change.object);
    } else if (is) show(was ? 'MODIFIED' : 'ADDED', change.object);
    else if (was) show('DELETED', change.object);
  };

  if (from === '' || from === '0' || wantsInitial) {
    for (const object of collection.list().filter(isSelected)) show('ADDED', object);
    if (wantsInitial) bookmark({ 'k8s.io/initial-events-end': 'true' });
  } else {
    const missed = /^\d+$/.test(from) ? collection.since(Number(from)) : undefined;
    if (missed === undefined) {
      write('ERROR', expired(`too old resource version: ${from} (${collection.version})`).toStatus());
      response.end();
      return;
    }
    for (const change of missed) send(change);
  }
  const leave = collection.subscribe({ changed: send });
  const marks = hasBookmarks ? setInterval(bookmark, bookmarkMs) : undefined;
  const timer = setTimeout(end, timeoutMs);
  options.stopped.addEventListener('abort', end);
  response.on('close', end);
  function end(): void {
    leave();
    clearInterval(marks);
    clearTimeout(timer);
    options.stopped.removeEventListener('abort', end);
    response.end();
  }
}
