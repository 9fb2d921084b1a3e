import { readdirSync, readFileSync } from 'node:fs';
import { systemErrorCode } from '../../../../engine/system-error.ts';

/** `<start time>` of a process, which tells it from a later one with the same number; undefined where it is no more. */
export function processStart(pid: number): string | undefined {
  const fields = statOf(pid);
  return fields === undefined || fields.state === 'Z' ? undefined : fields.start;
}

function statOf(pid: number): { readonly state: string; readonly session: number; readonly start: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command in brackets may hold anything, so fields count from the last bracket.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', session: Number(fields[3]), start: fields[19] ?? '' };
  } catch {
    return undefined; // It ended meanwhile.
  }
}

/** Processes whose environment holds the mark, or that belong to the session of a container's first process. */
export function markedProcesses(mark: string, sessions: readonly number[] = []): number[] {
  const needle = Buffer.from(mark);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && isMarked(pid, needle, sessions));
}

function isMarked(pid: number, needle: Buffer, sessions: readonly number[]): boolean {
  const stat = statOf(pid);
  if (stat === undefined || stat.state === 'Z') return false;
  if (sessions.includes(stat.session)) return true;
  try {
    return readFileSync(`/proc/${pid}/environ`).includes(needle);
  } catch {
    return false; // Another user's, or ended meanwhile.
  }
}

/** Sends a signal; a process that ended meanwhile is no fault. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

/**
 * Kills every marked process until none is left: those that called setsid too, and those that a fork bomb makes
 * meanwhile (all are stopped first, so that none can fork while the others die).
 * @returns whether none was left at the end
 */
export function killMarked(mark: string, sessions: readonly number[] = []): boolean {
  for (let round = 0; round < 50; round += 1) {
    const found = markedProcesses(mark, sessions);
    if (found.length === 0) return true;
    if (found.length > 3) for (const pid of found) signal(pid, 'SIGSTOP');
    for (const pid of found) signal(pid, 'SIGKILL');
  }
  return false;
}
