import { isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Pair, type YAMLMap } from 'yaml';

/** One thing that is wrong in a pipeline file, told to the person who wrote it. Line and column are 1-based. */
export interface Mistake {
  readonly line: number;
  readonly column: number;
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

export type Field = (value: Node | null, key: Node) => void;

/** A text and where it stands in the file. */
export interface Named {
  readonly name: string;
  readonly node: Node | null;
}

/** Walks a YAML tree, takes what fits and notes every place that does not, so that all mistakes are told at once. */
export class Reader {
  readonly mistakes: Mistake[] = [];
  readonly #lines: LineCounter;

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  note(at: Node | number | null | undefined, what: string, why: string, fix: string): void {
    const offset = typeof at === 'number' ? at : (at?.range?.[0] ?? 0);
    const { line, col } = this.#lines.linePos(offset);
    this.mistakes.push({ line: Math.max(1, line), column: Math.max(1, col), what, why, fix });
  }

  /** Reads the known keys of a mapping; unknown ones are mistakes, with the nearest known one as the fix. */
  fields(node: Node | null, what: string, fields: Readonly<Record<string, Field>>): void {
    const map = this.map(node, what);
    if (map === undefined) return;
    for (const { key, value, name } of this.entries(map, what)) {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (field === undefined) {
        this.note(
          key,
          `"${shown(name)}" is no key of ${what}`,
          `The keys are ${Object.keys(fields).join(', ')}`,
          didYouMean(name, Object.keys(fields)),
        );
      } else field(value, key);
    }
  }

  /** Keys with their values, in order; keys that are no text are mistakes. */
  entries(map: YAMLMap, what: string): { readonly key: Node; readonly value: Node | null; readonly name: string }[] {
    return map.items.flatMap(({ key, value }: Pair) => {
      const keyNode = isNode(key) ? key : null;
      if (keyNode !== null && isScalar(keyNode) && ['string', 'number', 'boolean'].includes(typeof keyNode.value)) {
        return [{ key: keyNode, value: isNode(value) ? value : null, name: String(keyNode.value) }];
      }
      this.note(keyNode, `A key of ${what} is no text`, 'Keys are plain names', 'Write it as a simple word');
      return [];
    });
  }

  map(node: Node | null, what: string): YAMLMap | undefined {
    if (isMap(node)) return node;
    this.#wrongType(node, what, 'a mapping of keys to values');
    return undefined;
  }

  /** A list of texts; a single text counts as a list of one. */
  texts(node: Node | null, what: string): readonly string[] | undefined {
    if (isScalar(node)) {
      const one = this.text(node, what);
      return one === undefined ? undefined : [one];
    }
    if (!isSeq(node)) {
      this.#wrongType(node, what, 'a text or a list of texts');
      return undefined;
    }
    return node.items.flatMap((item) => this.text(isNode(item) ? item : null, `an entry of ${what}`) ?? []);
  }

  /** Like `texts`, each with the place that a mistake in it points at. */
  names(node: Node | null, what: string): readonly Named[] {
    if (!isSeq(node)) return (this.texts(node, what) ?? []).map((name) => ({ name, node }));
    return node.items.flatMap((item) => {
      const itemNode = isNode(item) ? item : null;
      const name = this.text(itemNode, `an entry of ${what}`);
      return name === undefined ? [] : [{ name, node: itemNode }];
    });
  }

  text(node: Node | null, what: string): string | undefined {
    if (isScalar(node) && ['string', 'number', 'boolean'].includes(typeof node.value) && String(node.value) !== '')
      return String(node.value);
    this.#wrongType(node, what, 'a text');
    return undefined;
  }

  integer(node: Node | null, what: string, bounds: { readonly from: number; readonly to: number }): number | undefined {
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= bounds.from && value <= bounds.to)
      return value;
    this.#wrongType(node, what, `a whole number from ${bounds.from} to ${bounds.to}`);
    return undefined;
  }

  /** A text that a parser understands. */
  parsed<T>(node: Node | null, what: string, parse: (text: string) => T | undefined, example: string): T | undefined {
    const text = this.text(node, what);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined)
      this.note(
        node,
        `${what}: "${shown(text)}" is not understood`,
        `It is written like ${example}`,
        `Write ${example}`,
      );
    return value;
  }

  oneOf<T extends string>(node: Node | null, what: string, values: readonly T[]): T | undefined {
    const text = this.text(node, what);
    const value = values.find((it) => it === text);
    if (text !== undefined && value === undefined) {
      this.note(
        node,
        `${what}: "${shown(text)}" is unknown`,
        `It is one of ${values.join(', ')}`,
        didYouMean(text, values),
      );
    }
    return value;
  }

  #wrongType(node: Node | null, what: string, wanted: string): void {
    const is =
      node === null
        ? 'empty'
        : isAlias(node)
          ? 'an alias'
          : isMap(node)
            ? 'a mapping'
            : isSeq(node)
              ? 'a list'
              : describeScalar(node);
    this.note(node, `${what} is ${is}`, `It has to be ${wanted}`, `Write ${wanted}`);
  }
}

/** Takes over what could be read; what could not is a mistake already. */
export function given<T>(value: T | undefined, use: (value: T) => void): void {
  if (value !== undefined) use(value);
}

export function isNode(value: unknown): value is Node {
  return isMap(value) || isSeq(value) || isScalar(value) || isAlias(value);
}

function describeScalar(node: Node): string {
  const value = isScalar(node) ? node.value : undefined;
  return value === null || value === undefined || value === ''
    ? 'empty'
    : `${typeof value === 'object' ? 'a value' : `the ${typeof value}`} ${shown(String(value))}`;
}

/** Text of the file as it may stand in a message: short, on one line, without control characters. */
export function shown(text: string): string {
  const line = text.replaceAll(/\p{Cc}+/gu, ' ');
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

export function didYouMean(text: string, known: readonly string[]): string {
  const near = known
    .map((candidate) => ({
      candidate,
      distance: editDistance(text.toLowerCase().slice(0, 40), candidate.toLowerCase()),
    }))
    .sort((a, b) => a.distance - b.distance)[0];
  return near !== undefined && near.distance <= Math.max(2, Math.floor(near.candidate.length / 3))
    ? `Did you mean "${near.candidate}"?`
    : 'Remove it, or use one of these';
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** An image's name. What stands in it is the registry's matter, but no name holds what a shell or a header would read. */
export function readImage(reader: Reader, node: Node | null, what: string): string | undefined {
  // A matrix puts its values in for ${axis}.
  const isName = (text: string) => (/^[\w$][\w.:/@${}-]{0,499}$/.test(text) ? text : undefined);
  return reader.parsed(node, `image of ${what}`, isName, 'node:24 or registry.example/team/app@sha256:<digest>');
}
