import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReportOutput } from '../core/pipeline.ts';
import type { TestSummary } from '../core/run-events.ts';
import { type FailedTest, maxReportBytes, parseJUnit, ReportError } from '../reports/junit.ts';
import { openInside } from './open-inside.ts';

const maxReports = 200;
const maxFailedTests = 1_000;

/** What a stage's reports say together. */
export interface ReportsRead {
  readonly tests?: TestSummary;
  readonly failed: readonly FailedTest[];
  /** Reports that are missing or cannot be read, for the log. */
  readonly remarks: readonly string[];
}

/** Reads the reports that the commands wrote; a broken one is remarked on and costs nothing else. */
export async function readReports(workspace: string, reports: readonly ReportOutput[]): Promise<ReportsRead> {
  const failed: FailedTest[] = [];
  const remarks: string[] = [];
  let tests: TestSummary | undefined;
  let count = 0;
  const paths = reports.map(({ path }) => path);
  const found = glob(paths, { cwd: workspace, exclude: (name) => name === 'node_modules' || name === '.git' });
  for await (const path of found) {
    count += 1;
    if (count > maxReports) {
      remarks.push(`slipway: only the first ${maxReports} reports are read`);
      break;
    }
    try {
      const report = parseJUnit(await readReport(workspace, path));
      failed.push(...report.failed.slice(0, maxFailedTests - failed.length));
      tests = tests === undefined ? report.summary : added(tests, report.summary);
    } catch (error) {
      remarks.push(`slipway: the report ${path} cannot be read: ${error instanceof Error ? error.message : error}`);
    }
  }
  if (count === 0) remarks.push(`slipway: no report matches ${paths.join(', ')}`);
  return { failed, remarks, ...(tests === undefined ? {} : { tests }) };
}

async function readReport(workspace: string, path: string): Promise<string> {
  const handle = await openInside(workspace, join(workspace, path));
  try {
    if ((await handle.stat()).size > maxReportBytes)
      throw new ReportError(`it is larger than ${maxReportBytes / 2 ** 20} MiB`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function added(a: TestSummary, b: TestSummary): TestSummary {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    durationMs: a.durationMs + b.durationMs,
  };
}
