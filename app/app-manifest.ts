import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const manifestSchema = z.object({
  default_permissions: z.record(z.string(), z.enum(['read', 'write', 'admin'])),
  default_events: z.array(z.string()),
});

/** What the GitHub App may do and hears of, from app.yml. */
export function appManifest(): {
  readonly permissions: Record<string, 'read' | 'write' | 'admin'>;
  readonly events: readonly string[];
} {
  const file = ['..', '.'].map((up) => join(import.meta.dirname, up, 'app.yml')).find((path) => existsSync(path));
  const manifest = manifestSchema.parse(parse(readFileSync(file ?? 'app.yml', 'utf8')));
  return { permissions: manifest.default_permissions, events: manifest.default_events };
}
