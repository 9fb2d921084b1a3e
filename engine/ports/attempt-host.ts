import type { ArtifactOutput, ReportOutput } from '../core/pipeline.ts';
import type { AttemptResult } from '../core/run-commands.ts';
import type { Artifact } from '../core/run-events.ts';
import type { Sha } from '../core/trigger.ts';
import type { AttemptRef } from './pod-runner.ts';

/** Where the source comes from; the secret goes to git by a credential helper, never into a URL or an argument. */
export interface SourceAccess {
  /** Without credentials. */
  readonly url: string;
  readonly sha: Sha;
  /** Absent for a public or local repository. */
  readonly credential?: { readonly username: string; readonly password: string };
}

/** The pod that an agent runs in, as the cluster's keys prove. */
export interface PodIdentity {
  readonly namespace: string;
  readonly podName: string;
}

/** All that an agent needs to carry out one attempt. */
export interface AttemptWork extends AttemptRef {
  readonly tenant: string;
  readonly source: SourceAccess;
  readonly commands: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Reach the commands as environment variables; masked in the log. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** What the commands may use. */
  readonly memoryBytes: number;
  readonly artifactsIn: readonly Artifact[];
  readonly artifactsOut: readonly ArtifactOutput[];
  readonly reports: readonly ReportOutput[];
}

/** What the controller answers to the agents of its runs. */
export interface AttemptHost {
  /** `undefined`: no such attempt is wanted (ended, cancelled, never scheduled); the agent leaves. */
  workFor(pod: PodIdentity): Promise<AttemptWork | undefined>;
  /**
   * Commits that the commands start.
   * @param asker the agent's process: told once more, it gets the same answer
   * @returns `refused`: they were started by another process, or the attempt is no longer wanted
   */
  start(attempt: AttemptRef, asker: string): Promise<'go' | 'refused'>;
  /** Commits the result. Telling it again changes nothing. */
  finish(attempt: AttemptRef, result: AttemptResult): Promise<void>;
  /** Calls back once when the attempt shall stop; at once when it already shall. */
  onStop(attempt: AttemptRef, stop: (reason: string) => void): { dispose(): void };
}
