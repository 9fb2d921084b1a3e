import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why a test cannot have a small disk of its own; undefined where it can. */
export const mountable = isMountable() ? undefined : 'a file system of its own can be mounted by root alone';

function isMountable(): boolean {
  const place = mkdtempSync(join(tmpdir(), 'slipway-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', place], { stdio: 'ignore' });
    execFileSync('umount', [place], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(place, { recursive: true });
  }
}
