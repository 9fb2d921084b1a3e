import { existsSync, globSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type { Annotation, FailureEvidence } from '../core/run-events.ts';
import type { FailedTest } from '../reports/junit.ts';

const maxExcerptLines = 30;
const maxTestsShown = 10;
const maxAnnotations = 50;
const maxDetailLines = 8;
const lastLines = 20;
const maxLineChars = 400;
const maxJvmRoots = 200;

interface Place {
  readonly path: string;
  readonly line: number;
  readonly column?: number;
}

/**
 * What a reader needs to see first: the failing tests, else the last useful lines; and the places they speak of, as far
 * as they are files of the repository.
 * @param lines the end of the log, masked
 */
export function findEvidence(
  workspace: string,
  failed: readonly FailedTest[],
  lines: readonly string[],
): FailureEvidence {
  const sources = new Sources(workspace);
  if (failed.length > 0) {
    const told = failed.slice(0, maxAnnotations).map((test) => ({
      ...test,
      message: sources.withoutFolder(test.message),
      detail: sources.withoutFolder(test.detail),
    }));
    return {
      excerpt: testExcerpt(told, failed.length),
      annotations: told.flatMap((test) => testAnnotation(sources, test)),
    };
  }
  const plain = lines.map((line) => clean(sources.withoutFolder(line)));
  const annotations = distinct(
    plain.flatMap((line, index) => lineAnnotation(sources, line, plain.slice(index + 1, index + 4))),
  );
  const useful = plain.filter((line) => line.trim() !== '').slice(-lastLines);
  return { excerpt: useful, annotations: annotations.slice(0, maxAnnotations) };
}

function testExcerpt(failed: readonly FailedTest[], count: number): string[] {
  const shown = failed.slice(0, maxTestsShown).flatMap(({ name, message, detail }) => {
    const said = usefulLines(message);
    // A message of several lines says it all; a short one is told further by the detail.
    const more =
      said.length > 1 ? [] : usefulLines(detail).filter((line) => !line.includes(said[0] ?? '\0') && !isNoise(line));
    return [`✗ ${clean(name)}`, ...[...said, ...more].slice(0, maxDetailLines).map((line) => `  ${line}`)];
  });
  const left = count - maxTestsShown;
  const more = left > 0 ? [`and ${left} more failing test${left === 1 ? '' : 's'}`] : [];
  return [...shown.slice(0, maxExcerptLines - more.length), ...more];
}

function usefulLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => clean(line))
    .filter((line) => line.trim() !== '');
}

const noise: readonly RegExp[] = [
  /\b(node:internal|node_modules)\b/,
  /^\s*at .*\(?node:/,
  // What Node tells of its own error around the assertion's.
  /^\s*[{}]$/,
  /^\s*(code: 'ERR_|failureType:|generatedMessage:|operator:|diff:)/,
  /^\s*at (java\.|javax\.|jdk\.|sun\.|org\.junit\.|org\.opentest4j\.|org\.testng\.|org\.apache\.maven\.|org\.gradle\.|junit\.)/,
];

/** Frames of a test runner or of the language itself say nothing about the change. */
function isNoise(line: string): boolean {
  return noise.some((pattern) => pattern.test(line));
}

function testAnnotation(sources: Sources, test: FailedTest): Annotation[] {
  const stated = test.file === undefined ? undefined : sources.placeOf(test.file, test.line ?? 1);
  const place = sources.placesIn(test.detail)[0] ?? stated;
  return place === undefined
    ? []
    : [{ ...place, level: 'failure', title: clean(test.name), message: clean(test.message, 1_000) }];
}

const errorLine = /\b(error|fail(ed|ure)?|fatal|panic|exception)\b|✗|✖|×|❯/i;

function lineAnnotation(sources: Sources, line: string, following: readonly string[]): Annotation[] {
  const [place] = sources.placesIn(line);
  if (place === undefined) return [];
  // `go test` prints the place on a line of its own kind: indented, message behind it.
  const isGoTest = /^\s+\S+_test\.go:\d+: /.test(line);
  const raised = following.find((next) => /^\s*(error|\w+(Error|Exception)\b|E {2})/i.test(next));
  if (!isGoTest && !errorLine.test(line) && raised === undefined) return [];
  // The place stands beside the title already; Python tells what was raised below the place.
  const said = /^\s*File "/.test(line) ? (raised ?? line) : line.replace(/^\s*\S+?[:(]\d+(?:[:,]\d+)?\)?:\s+/, '');
  return [{ ...place, level: 'failure', title: clean(said.trim() || line.trim(), 200), message: line.trim() }];
}

const patterns: readonly RegExp[] = [
  /(?<![\w@./+-])(?<path>(?:file:\/\/)?[\w@./+-]+\.[A-Za-z]\w{0,9})[:(](?<line>\d{1,7})(?:[:,](?<column>\d{1,5}))?/g,
  /File "(?<path>[^"]{1,300})", line (?<line>\d{1,7})/g,
];
/** A frame of the JVM names class and file, but not the folder: `at org.acme.CartTest.adds(CartTest.java:12)`. */
const jvmFrame =
  /\bat (?:[\w.$@-]+\/)?(?<package>(?:[\w$]+\.)*?)[\w$]+\.[\w$<>]+\((?<file>[\w$-]+\.(?:java|kt|scala|groovy)):(?<line>\d{1,7})\)/g;

/** The files of the workspace, as texts speak of them. */
class Sources {
  readonly #workspace: string;
  #jvmRoots: readonly string[] | undefined;

  constructor(workspace: string) {
    this.#workspace = workspace;
  }

  /** The text with paths as the repository has them: where the workspace stood is nobody's concern. */
  withoutFolder(text: string): string {
    const folder = `${this.#workspace}/`;
    return text.includes(folder)
      ? text.replaceAll(
          new RegExp(`(?<![\\w./-])(?:file://)?${folder.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}`, 'g'),
          '',
        )
      : text;
  }

  /** Places in a text that are files of the workspace, in the order they stand. */
  placesIn(text: string): Place[] {
    const told = text.slice(0, 20_000);
    const found = patterns.flatMap((pattern) =>
      [...told.matchAll(pattern)].flatMap(({ index, groups }) => {
        const place = this.placeOf(groups?.['path'] ?? '', Number(groups?.['line']), Number(groups?.['column']));
        return place === undefined ? [] : [{ index, place }];
      }),
    );
    const frames = [...told.matchAll(jvmFrame)].flatMap(({ index, groups }) => {
      const file = join((groups?.['package'] ?? '').replaceAll('.', '/'), groups?.['file'] ?? '');
      const place = this.#roots()
        .map((root) => this.placeOf(join(root, file), Number(groups?.['line'])))
        .find((it) => it !== undefined);
      return place === undefined ? [] : [{ index, place }];
    });
    return [...found, ...frames].sort((a, b) => a.index - b.index).map(({ place }) => place);
  }

  placeOf(stated: string, line: number, column = Number.NaN): Place | undefined {
    const local = stated.startsWith('file://') ? pathOfUrl(stated) : stated;
    const path = isAbsolute(local) ? relative(this.#workspace, local) : local.replace(/^\.\//, '');
    const isOwn =
      path !== '' &&
      !path.startsWith('..') &&
      !isAbsolute(path) &&
      !/(^|\/)(node_modules|\.venv|vendor|\.git)\//.test(path);
    if (!isOwn || line < 1 || !existsSync(join(this.#workspace, path))) return undefined;
    return { path, line, ...(Number.isInteger(column) && column > 0 ? { column } : {}) };
  }

  /** Where Maven and Gradle keep sources, tests first; modules stand at most two folders deep. */
  #roots(): readonly string[] {
    this.#jvmRoots ??= globSync('{.,*,*/*}/src/*/{java,kotlin,scala,groovy}', {
      cwd: this.#workspace,
      exclude: (name) => name === 'node_modules' || name === '.git',
    })
      .slice(0, maxJvmRoots)
      .sort((a, b) => Number(b.includes('src/test/')) - Number(a.includes('src/test/')));
    return this.#jvmRoots;
  }
}

/** @returns what no file is called where the URL names none: a report may hold anything */
function pathOfUrl(url: string): string {
  const named = URL.canParse(url) ? new URL(url) : undefined;
  const isLocal = named?.host === '' && !/%(2f|00)/i.test(named.pathname);
  return isLocal ? fileURLToPath(url) : '';
}

function distinct(annotations: readonly Annotation[]): Annotation[] {
  return [...new Map(annotations.map((it) => [`${it.path}:${it.line}`, it])).values()];
}

/** One line without colours and control characters. */
function clean(text: string, maxChars = maxLineChars): string {
  const plain = stripVTControlCharacters(text).replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (it) =>
    it === '\t' ? '  ' : it === '\n' ? ' ' : '',
  );
  return plain.length > maxChars ? `${plain.slice(0, maxChars - 1)}…` : plain;
}
