import { applyPatch, type Operation } from 'rfc6902';
import { z } from 'zod';
import { isRecord } from '../objects/selectors.ts';
import { badRequest, StatusError } from './status-error.ts';
import { strategicMerge } from './strategic-merge.ts';

const operations = 10_000;
const path = z.string();
const JsonPatch = z
  .array(
    z.discriminatedUnion('op', [
      z.object({ op: z.literal('add'), path, value: z.unknown() }),
      z.object({ op: z.literal('remove'), path }),
      z.object({ op: z.literal('replace'), path, value: z.unknown() }),
      z.object({ op: z.literal('move'), path, from: z.string() }),
      z.object({ op: z.literal('copy'), path, from: z.string() }),
      z.object({ op: z.literal('test'), path, value: z.unknown() }),
    ]),
  )
  .max(operations);

/** Applies a patch of one of the three plain kinds. @throws StatusError 400, 415, 422 */
export function applyPlainPatch(object: unknown, patch: unknown, type: string, kind: string): unknown {
  switch (type) {
    case 'application/json-patch+json':
      return jsonPatch(object, patch);
    case 'application/merge-patch+json':
      return mergePatch(object, patch);
    case 'application/strategic-merge-patch+json':
      if (!isRecord(object) || !isRecord(patch)) throw badRequest('a strategic merge patch must be an object');
      return strategicMerge(object, patch, kind);
    default:
      throw new StatusError(
        415,
        'UnsupportedMediaType',
        `the body of the request was in an unknown format - ${type}: accepted are application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml`,
      );
  }
}

function jsonPatch(object: unknown, patch: unknown): unknown {
  const parsed = JsonPatch.safeParse(patch);
  if (!parsed.success) throw badRequest(`the JSON patch cannot be read: ${z.prettifyError(parsed.error)}`);
  const list: Operation[] = parsed.data;
  const result: unknown = structuredClone(object);
  const failure = applyPatch(result, list).find((error) => error !== null);
  if (failure !== undefined) {
    throw new StatusError(
      422,
      'Invalid',
      `the server rejected our request due to an error in our request: ${failure.name}: ${failure.message}`,
    );
  }
  return result;
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged = new Map(Object.entries(isRecord(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}
