import { XMLParser } from 'fast-xml-parser';
import type { TestSummary } from '../core/run-events.ts';

/** A larger report is refused. */
export const maxReportBytes = 20 * 2 ** 20;
/** A test that claims more ran for no such time: a year. */
const maxSeconds = 365 * 86_400;
/** A longer message is left as it stands. */
const maxMessageLines = 40;

/** A test that failed, as its report tells it. */
export interface FailedTest {
  readonly name: string;
  readonly message: string;
  /** Stack or output, as reported. */
  readonly detail: string;
  readonly file?: string;
  readonly line?: number;
}

/** The report cannot be used: too large, not XML, not JUnit. */
export class ReportError extends Error {
  override readonly name = 'ReportError';
}

export interface JUnitReport {
  readonly summary: TestSummary;
  readonly failed: readonly FailedTest[];
}

type Element = Readonly<Record<string, unknown>>;

/** Reads the JUnit dialects of Ant, Surefire, pytest, Jest, node:test and others. @throws ReportError */
export function parseJUnit(xml: string): JUnitReport {
  if (Buffer.byteLength(xml) > maxReportBytes)
    throw new ReportError(`The report is larger than ${maxReportBytes / 2 ** 20} MiB`);
  if (/<!(DOCTYPE|ENTITY)/i.test(xml))
    throw new ReportError('The report has a document type, which may expand without end');
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseAttributeValue: false,
    parseTagValue: false,
    htmlEntities: true,
    isArray: (name) => listed.has(name),
  });
  let root: unknown;
  try {
    root = parser.parse(xml, true);
  } catch (cause) {
    throw new ReportError(`The report is no XML: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  if (!isElement(root) || (root['testsuites'] === undefined && root['testsuite'] === undefined))
    throw new ReportError('The report has no <testsuites>');
  const tests = testsIn(root);
  const failed = tests.flatMap(failureOf);
  const skipped = tests.filter((test) => test['skipped'] !== undefined).length;
  const seconds = tests.reduce((sum, test) => sum + secondsOf(test['@time']), 0);
  return {
    summary: {
      passed: tests.length - failed.length - skipped,
      failed: failed.length,
      skipped,
      durationMs: Math.round(Math.min(seconds, maxSeconds) * 1_000),
    },
    failed,
  };
}

const listed = new Set(['testsuites', 'testsuite', 'testcase', 'failure', 'error', 'skipped']);

function testsIn(element: Element): Element[] {
  const own = elements(element['testcase']);
  return [
    ...own,
    ...elements(element['testsuites']).flatMap(testsIn),
    ...elements(element['testsuite']).flatMap(testsIn),
  ];
}

function failureOf(test: Element): FailedTest[] {
  const [failure] = [...elements(test['failure']), ...elements(test['error'])];
  const bare = test['failure'] ?? test['error'];
  if (bare === undefined) return [];
  const detail = failure === undefined ? texts(bare) : text(failure['#text']);
  const message = failure === undefined ? '' : withLineFeeds(text(failure['@message']), detail);
  const file = text(test['@file']);
  const line = Number(text(test['@line']));
  return [
    {
      name: [text(test['@classname']), text(test['@name'])]
        .filter((part) => part !== '' && part !== 'test')
        .join(' > '),
      message: message !== '' ? message : (detail.split('\n').find((it) => it.trim() !== '') ?? 'failed'),
      detail,
      ...(file === '' ? {} : { file }),
      ...(Number.isInteger(line) && line > 0 ? { line } : {}),
    },
  ];
}

/**
 * Some writers put line feeds into an attribute as they are, where XML drops them (node:test of Node 20). The detail
 * repeats the message with its lines.
 */
function withLineFeeds(message: string, detail: string): string {
  const squeezed = message.replaceAll(/\s/g, '');
  const lines = detail.trimStart().split('\n', maxMessageLines);
  for (let count = 2; count <= lines.length; count += 1) {
    const said = lines
      .slice(0, count)
      .join('\n')
      .replace(/^\[?\w+ \[\w+\]: /, '');
    if (said.replaceAll(/\s/g, '') === squeezed) return said;
  }
  return message;
}

function elements(value: unknown): Element[] {
  return (Array.isArray(value) ? value : [value]).filter(isElement);
}

function texts(value: unknown): string {
  return (Array.isArray(value) ? value : [value]).map(text).join('\n');
}

function isElement(value: unknown): value is Element {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** Some writers print thousands with commas. */
function secondsOf(value: unknown): number {
  const seconds = Number(text(value).replaceAll(',', ''));
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 0;
}
