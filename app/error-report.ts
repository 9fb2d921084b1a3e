import { DeployError } from '../deploy/ports/errors.ts';
import { EngineError } from '../engine/ports/errors.ts';
import { GitHostError } from '../providers/git-host-error.ts';

/** A fault as programs and people read it; never a stack trace, never a payload. */
export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly fix?: string;
}

export function reportOf(error: unknown): ErrorReport {
  if (error instanceof EngineError || error instanceof DeployError || error instanceof GitHostError) {
    return { code: error.code, message: `${error.what}: ${error.why}`, fix: error.fix };
  }
  return { code: 'unexpected', message: error instanceof Error ? wordsOf(error) : String(error) };
}

/** The name of a class of errors says something, that of all errors does not. */
function wordsOf({ name, message }: Error): string {
  return name === 'Error' ? message : `${name}: ${message}`;
}
