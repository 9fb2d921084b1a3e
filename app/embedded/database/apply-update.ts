import { update as applyOperators } from 'mingo/updater';
import { type Document, MongoServerError, ObjectId } from 'mongodb';
import { isOperators } from './plan-query.ts';

/** Operators that every MongoDB-compatible server has; anything else is refused here as it would be there. */
const queryOperators = new Set(
  '$eq $ne $gt $gte $lt $lte $in $nin $exists $and $or $nor $not $regex $options $elemMatch $size $all $type $mod'.split(
    ' ',
  ),
);
const updateOperators = new Set(
  '$set $unset $inc $mul $min $max $push $pull $addToSet $pop $rename $setOnInsert'.split(' '),
);
const stages = new Set('$match $group $sort $limit $skip $project $count $unwind'.split(' '));

const notSupported = 115;
const failedToParse = 9;

export function checkFilter(filter: unknown): void {
  if (Array.isArray(filter)) {
    for (const part of filter) checkFilter(part);
    return;
  }
  if (typeof filter !== 'object' || filter === null || Object.getPrototypeOf(filter) !== Object.prototype) return;
  for (const [key, value] of Object.entries(filter)) {
    if (key.startsWith('$') && !queryOperators.has(key)) throw refused(`the query operator ${key}`);
    checkFilter(value);
  }
}

export function checkPipeline(pipeline: readonly Document[]): void {
  for (const stage of pipeline) {
    const [name = ''] = Object.keys(stage);
    if (!stages.has(name)) throw refused(`the aggregation stage ${name}`);
    if (name === '$match') checkFilter(stage['$match']);
  }
}

export function checkUpdate(update: unknown): asserts update is Document {
  if (Array.isArray(update)) throw refused('updates by a pipeline');
  const names = Object.keys(update ?? {});
  const unknown = names.find((name) => !updateOperators.has(name));
  if (unknown?.startsWith('$') === true) throw refused(`the update operator ${unknown}`);
  if (unknown !== undefined || names.length === 0) {
    throw new MongoServerError({ message: 'Update document requires atomic operators', code: failedToParse });
  }
}

export function refused(what: string): MongoServerError {
  return new MongoServerError({
    message: `The embedded database refuses ${what}: not every MongoDB-compatible server has it`,
    code: notSupported,
  });
}

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
