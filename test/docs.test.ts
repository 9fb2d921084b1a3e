import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parsePipeline } from '../engine/pipeline-file.ts';

it('the pipelines shown in the docs are right', () => {
  const text = readFileSync(join(import.meta.dirname, '..', 'docs', 'pipeline.md'), 'utf8');
  const examples = [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml]) => yaml ?? '');
  expect(examples.length).toBeGreaterThan(0);
  for (const example of examples)
    expect(parsePipeline(example, { path: 'docs/pipeline.md' })).toHaveProperty('pipeline');
});
