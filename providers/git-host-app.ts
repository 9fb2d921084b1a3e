import type { RepositoryRef } from '../engine/core/trigger.ts';

/** An App that is registered at the host, as the host has it now. */
export interface HostAppReport {
  readonly name: string;
  /** What it asks owners for, in the host's words. */
  readonly permissions: Readonly<Record<string, string>>;
  readonly events: readonly string[];
  readonly hookUrl: string;
  /** Newest first, of the last days. */
  readonly deliveries: readonly {
    readonly event: string;
    readonly at: Date;
    /** The HTTP status that it got; absent where nobody answered. */
    readonly status?: number;
  }[];
}

/** Where the App is let in, as the host has it now. */
export interface AppInstallation {
  readonly tenant: string;
  readonly account: string;
  readonly state: 'active' | 'suspended';
  /** What its owner granted. */
  readonly permissions: Readonly<Record<string, string>>;
  readonly repositories: 'all' | 'selected';
}

/** Hosts where Slipway is an App: the host knows who let it in. All throw GitHostError. */
export interface HostApp {
  report(): Promise<HostAppReport>;
  /** All of them: a list that was cut short throws, so that nobody takes what is missing for removed. */
  installations(): Promise<readonly AppInstallation[]>;
  /** What the installation may see. `isComplete` false: there is more. */
  repositories(
    tenant: string,
  ): Promise<{ readonly repositories: readonly RepositoryRef[]; readonly isComplete: boolean }>;
}
