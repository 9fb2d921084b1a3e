import { z } from 'zod';
import { maxLineChars } from './line-splitter.ts';

const text = (max: number) => z.string().max(max);
const count = z.number().int().min(0);

/** One line is one: what is kept as several would shift the numbers of all that follow. */
const line = text(maxLineChars * 4).refine((it) => !it.includes('\n'));
const log = z.object({ lines: count, bytes: count, sha256: text(64) });
const tests = z.object({ passed: count, failed: count, skipped: count, durationMs: count });
const annotation = z.object({
  path: text(1_000),
  line: z.number().int().min(1),
  column: z.number().int().min(1).exactOptional(),
  level: z.enum(['failure', 'warning', 'notice']),
  title: text(1_000),
  message: text(8_000),
});
const cause = z.discriminatedUnion('type', [
  z.object({ type: z.literal('command'), exitCode: z.number().int() }),
  z.object({ type: z.literal('timed-out'), afterMs: count }),
  z.object({ type: z.literal('out-of-memory'), limitBytes: count }),
  z.object({ type: z.literal('configuration'), message: text(4_000) }),
  z.object({ type: z.literal('infrastructure'), message: text(4_000) }),
]);
const result = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('succeeded'),
    durationMs: count,
    artifacts: z.array(z.object({ name: text(100), digest: text(80), bytes: count })).max(100),
    annotations: z.array(annotation).max(200),
    log,
    tests: tests.exactOptional(),
  }),
  z.object({
    outcome: z.literal('failed'),
    durationMs: count,
    cause,
    evidence: z.object({ excerpt: z.array(text(1_000)).max(40), annotations: z.array(annotation).max(200) }),
    log,
    tests: tests.exactOptional(),
  }),
]);

/** What an agent may say; it runs beside untrusted commands, so it is parsed like any stranger's word. */
export const agentMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello') }),
  z.object({ type: z.literal('start'), asker: text(100) }),
  z.object({ type: z.literal('lines'), firstLine: count, lines: z.array(line).max(5_000) }),
  z.object({ type: z.literal('result'), result }),
]);
