import { existsSync } from 'node:fs';
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
  const plain = lines.map((line) => clean(line));
  if (failed.length > 0) {
    return {
      excerpt: testExcerpt(failed),
      annotations: failed.slice(0, maxAnnotations).flatMap((test) => testAnnotation(workspace, test)),
    };
  }
  const annotations = distinct(
    plain.flatMap((line, index) => lineAnnotation(workspace, line, plain.slice(index + 1, index + 3))),
  );
  const useful = plain.filter((line) => line.trim() !== '').slice(-lastLines);
  return { excerpt: useful, annotations: annotations.slice(0, maxAnnotations) };
}

function testExcerpt(failed: readonly FailedTest[]): string[] {
  const shown = failed.slice(0, maxTestsShown).flatMap(({ name, message, detail }) => {
    const said = usefulLines(message);
    // A message of several lines says it all; a short one is told further by the detail.
    const more =
      said.length > 1 ? [] : usefulLines(detail).filter((line) => !line.includes(said[0] ?? '\0') && !isNoise(line));
    return [`✗ ${clean(name)}`, ...[...said, ...more].slice(0, maxDetailLines).map((line) => `  ${line}`)];
  });
  const more = failed.length > maxTestsShown ? [`and ${failed.length - maxTestsShown} more failing tests`] : [];
  return [...shown.slice(0, maxExcerptLines - more.length), ...more];
}

function usefulLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => clean(line))
    .filter((line) => line.trim() !== '');
}

/** Frames of a test runner or of Node itself say nothing about the change. */
function isNoise(line: string): boolean {
  return /\b(node:internal|node_modules)\b|^\s*at (async )?\S+ \(node:/.test(line) || /^\s*at .*\(?node:/.test(line);
}

function testAnnotation(workspace: string, test: FailedTest): Annotation[] {
  const stated = test.file === undefined ? undefined : placeOf(workspace, test.file, test.line ?? 1);
  const place = placesIn(workspace, test.detail)[0] ?? stated;
  return place === undefined
    ? []
    : [{ ...place, level: 'failure', title: clean(test.name), message: clean(test.message, 1_000) }];
}

const errorLine = /\b(error|fail(ed|ure)?|fatal|panic|exception)\b|✗|✖|×|❯/i;

function lineAnnotation(workspace: string, line: string, following: readonly string[]): Annotation[] {
  const [place] = placesIn(workspace, line);
  if (place === undefined) return [];
  // `go test` prints the place on a line of its own kind: indented, message behind it.
  const isGoTest = /^\s+\S+_test\.go:\d+: /.test(line);
  if (
    !isGoTest &&
    !errorLine.test(line) &&
    !following.some((next) => /^\s*(error|\w+(Error|Exception)\b|E {2})/i.test(next))
  )
    return [];
  return [{ ...place, level: 'failure', title: clean(line.trim(), 200), message: line.trim() }];
}

const patterns: readonly RegExp[] = [
  /(?<path>(?:file:\/\/)?[\w@./+-]+\.[A-Za-z]\w{0,9})[:(](?<line>\d{1,7})(?:[:,](?<column>\d{1,5}))?/g,
  /File "(?<path>[^"]{1,300})", line (?<line>\d{1,7})/g,
];

/** Places in a text that are files of the workspace, in the order they stand. */
function placesIn(workspace: string, text: string): Place[] {
  const found = patterns.flatMap((pattern) =>
    [...text.slice(0, 20_000).matchAll(pattern)].flatMap(({ index, groups }) => {
      const place = placeOf(workspace, groups?.['path'] ?? '', Number(groups?.['line']), Number(groups?.['column']));
      return place === undefined ? [] : [{ index, place }];
    }),
  );
  return found.sort((a, b) => a.index - b.index).map(({ place }) => place);
}

function placeOf(workspace: string, stated: string, line: number, column = Number.NaN): Place | undefined {
  const local = stated.startsWith('file://') ? fileURLToPath(stated) : stated;
  const path = isAbsolute(local) ? relative(workspace, local) : local.replace(/^\.\//, '');
  const isOwn =
    path !== '' &&
    !path.startsWith('..') &&
    !isAbsolute(path) &&
    !/(^|\/)(node_modules|\.venv|vendor|\.git)\//.test(path);
  if (!isOwn || line < 1 || !existsSync(join(workspace, path))) return undefined;
  return { path, line, ...(Number.isInteger(column) && column > 0 ? { column } : {}) };
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
