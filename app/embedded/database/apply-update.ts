import { update as applyOperators } from 'mingo/updater';
import { type Document, ObjectId } from 'mongodb';
import { isOperators } from './plan-query.ts';

/** Applies checked operators to a document of the caller's own. */
export function applyUpdate(
  document: Document,
  update: Document,
  filter: Document,
  reason: 'update' | 'insert',
): Document {
  const { $setOnInsert, ...operators } = update;
  const $set = { ...operators['$set'], ...(reason === 'insert' ? $setOnInsert : {}) };
  const _id: unknown = document['_id'] ?? $set['_id'];
  delete $set['_id'];
  const modifier = { ...operators, ...(Object.keys($set).length > 0 ? { $set } : {}) };
  if (Object.keys($set).length === 0) Reflect.deleteProperty(modifier, '$set');
  // Positional operators look at the filter to find the element that matched.
  const condition = reason === 'update' && JSON.stringify(update).includes('.$') ? filter : {};
  applyOperators(document, modifier, [], condition, { cloneMode: 'copy' });
  return _id === undefined ? document : { _id, ...document };
}

/** The document that an upsert begins with: what the filter demands to be equal, and an `_id`. */
export function upsertBase(filter: Document): Document {
  const equal: Document = {};
  for (const part of [filter, ...(Array.isArray(filter['$and']) ? filter['$and'] : [])]) {
    for (const [path, condition] of Object.entries(part)) {
      if (path.startsWith('$')) continue;
      if (!isOperators(condition)) equal[path] = condition;
      else if (Object.hasOwn(condition, '$eq')) equal[path] = condition['$eq'];
    }
  }
  const { _id, ...rest } = equal;
  const base: Document = {};
  if (Object.keys(rest).length > 0) applyOperators(base, { $set: rest }, [], {}, { cloneMode: 'copy' });
  return _id === undefined ? base : { _id, ...base };
}

export function withId(document: Document): Document {
  return document['_id'] === undefined ? { _id: new ObjectId(), ...document } : document;
}
