import { type Document, MongoServerError } from 'mongodb';

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

/** The server's answer to what is not supported. */
export function refused(what: string): MongoServerError {
  return new MongoServerError({
    message: `The embedded database refuses ${what}: not every MongoDB-compatible server has it`,
    code: notSupported,
  });
}
