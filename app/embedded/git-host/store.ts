import { DatabaseSync } from 'node:sqlite';
import {
  Annotation,
  BuildStatus,
  CheckRun,
  CheckSuite,
  CommitStatus,
  Deployment,
  DeploymentStatus,
  Report,
  ReportAnnotation,
} from './check-entities.ts';
import {
  AccessToken,
  Account,
  App,
  Comment,
  Delivery,
  Grant,
  Hook,
  Installation,
  Label,
  OAuthApp,
  Pull,
  QueueEntry,
  Reaction,
  Repository,
  Team,
} from './entities.ts';
import { Table } from './table.ts';

/** All that the host remembers beside the git repositories, in one SQLite file. */
export class Store {
  readonly #database: DatabaseSync;
  #isInTransaction = false;

  readonly accounts: Table<Account>;
  readonly grants: Table<Grant>;
  readonly teams: Table<Team>;
  readonly tokens: Table<AccessToken>;
  readonly repositories: Table<Repository>;
  readonly apps: Table<App>;
  readonly oauthApps: Table<OAuthApp>;
  readonly installations: Table<Installation>;
  readonly hooks: Table<Hook>;
  readonly deliveries: Table<Delivery>;
  readonly labels: Table<Label>;
  readonly pulls: Table<Pull>;
  readonly queue: Table<QueueEntry>;
  readonly comments: Table<Comment>;
  readonly reactions: Table<Reaction>;
  readonly checkSuites: Table<CheckSuite>;
  readonly checkRuns: Table<CheckRun>;
  readonly annotations: Table<Annotation>;
  readonly statuses: Table<CommitStatus>;
  readonly buildStatuses: Table<BuildStatus>;
  readonly reports: Table<Report>;
  readonly reportAnnotations: Table<ReportAnnotation>;
  readonly deployments: Table<Deployment>;
  readonly deploymentStatuses: Table<DeploymentStatus>;

  constructor(file: string) {
    const database = new DatabaseSync(file);
    this.#database = database;
    // NORMAL in WAL mode survives a killed process, which is what this stand-in promises; a power cut may cost the last moments.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
    database.exec(
      `CREATE TABLE IF NOT EXISTS sequence (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL) STRICT;
       INSERT OR IGNORE INTO sequence VALUES (1, 1000);`,
    );
    this.accounts = new Table(database, { name: 'accounts', schema: Account, key: (row) => row.login.toLowerCase() });
    this.grants = new Table(database, {
      name: 'grants',
      schema: Grant,
      key: (row) => `${row.scope}:${row.onId}:${row.accountId}`,
      parent: (row) => `${row.scope}:${row.onId}`,
    });
    this.teams = new Table(database, {
      name: 'teams',
      schema: Team,
      key: (row) => `${row.organizationId}/${row.slug}`,
    });
    this.tokens = new Table(database, { name: 'tokens', schema: AccessToken, key: (row) => row.hash });
    this.repositories = new Table(database, {
      name: 'repositories',
      schema: Repository,
      key: (row) => `${row.ownerId}/${row.name.toLowerCase()}`,
      parent: (row) => row.ownerId,
    });
    this.apps = new Table(database, { name: 'apps', schema: App, key: (row) => row.slug });
    this.oauthApps = new Table(database, { name: 'oauth_apps', schema: OAuthApp, key: (row) => row.clientId });
    this.installations = new Table(database, {
      name: 'installations',
      schema: Installation,
      key: (row) => `${row.appId}:${row.accountId}`,
      parent: (row) => row.accountId,
    });
    this.hooks = new Table(database, {
      name: 'hooks',
      schema: Hook,
      parent: ({ target }) => hooksParent(target),
    });
    this.deliveries = new Table(database, { name: 'deliveries', schema: Delivery, parent: (row) => row.hookId });
    database.exec(
      "CREATE INDEX IF NOT EXISTS deliveries_pending ON deliveries (parent, id) WHERE doc ->> 'state' = 'pending'",
    );
    this.labels = new Table(database, {
      name: 'labels',
      schema: Label,
      key: (row) => `${row.repositoryId}/${row.name.toLowerCase()}`,
      parent: (row) => row.repositoryId,
    });
    this.pulls = new Table(database, {
      name: 'pulls',
      schema: Pull,
      key: (row) => `${row.repositoryId}#${row.number}`,
      parent: (row) => row.repositoryId,
    });
    this.queue = new Table(database, {
      name: 'merge_queue',
      schema: QueueEntry,
      key: (row) => `${row.repositoryId}#${row.number}`,
      parent: (row) => row.repositoryId,
    });
    this.comments = new Table(database, {
      name: 'comments',
      schema: Comment,
      parent: (row) => `${row.repositoryId}#${row.number}`,
    });
    this.reactions = new Table(database, {
      name: 'reactions',
      schema: Reaction,
      key: (row) => `${row.subject}:${row.accountId}:${row.content}`,
      parent: (row) => row.subject,
    });
    this.checkSuites = new Table(database, {
      name: 'check_suites',
      schema: CheckSuite,
      key: (row) => `${row.repositoryId}@${row.headSha}:${row.appId}`,
      parent: (row) => `${row.repositoryId}@${row.headSha}`,
    });
    this.checkRuns = new Table(database, {
      name: 'check_runs',
      schema: CheckRun,
      parent: (row) => `${row.repositoryId}@${row.headSha}`,
    });
    this.annotations = new Table(database, {
      name: 'annotations',
      schema: Annotation,
      parent: (row) => row.checkRunId,
    });
    this.statuses = new Table(database, {
      name: 'statuses',
      schema: CommitStatus,
      parent: (row) => `${row.repositoryId}@${row.sha}`,
    });
    this.buildStatuses = new Table(database, {
      name: 'build_statuses',
      schema: BuildStatus,
      parent: (row) => `${row.repositoryId}@${row.sha}`,
    });
    this.reports = new Table(database, {
      name: 'reports',
      schema: Report,
      key: (row) => `${row.repositoryId}@${row.sha}:${row.reportId}`,
      parent: (row) => `${row.repositoryId}@${row.sha}`,
    });
    this.reportAnnotations = new Table(database, {
      name: 'report_annotations',
      schema: ReportAnnotation,
      key: (row) => `${row.onId}:${row.externalId}`,
      parent: (row) => row.onId,
    });
    this.deployments = new Table(database, {
      name: 'deployments',
      schema: Deployment,
      parent: (row) => row.repositoryId,
    });
    this.deploymentStatuses = new Table(database, {
      name: 'deployment_statuses',
      schema: DeploymentStatus,
      parent: (row) => row.deploymentId,
    });
  }

  /** All that `work` writes lands together or not at all. `work` must not wait for anything. */
  atomically<Result>(work: () => Result): Result {
    if (this.#isInTransaction) return work();
    this.#isInTransaction = true;
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    } finally {
      this.#isInTransaction = false;
    }
  }

  /** Hooks that have something to send. */
  pendingHooks(): number[] {
    return this.#database
      .prepare("SELECT DISTINCT CAST(parent AS INTEGER) AS hook FROM deliveries WHERE doc ->> 'state' = 'pending'")
      .all()
      .map((row) => Number(row['hook']));
  }

  /** The oldest delivery that a hook still has to send. */
  nextPending(hookId: number): Delivery | undefined {
    const row = this.#database
      .prepare("SELECT id FROM deliveries WHERE parent = ? AND doc ->> 'state' = 'pending' ORDER BY id LIMIT 1")
      .get(String(hookId));
    return row === undefined ? undefined : this.deliveries.find(Number(row['id']));
  }

  /** Forgets a hook's oldest deliveries beyond the newest `kept`; never one that waits to be sent. */
  pruneDeliveries(hookId: number, kept: number): void {
    this.#database
      .prepare(
        `DELETE FROM deliveries WHERE parent = ?1 AND doc ->> 'state' = 'done' AND id <=
         (SELECT id FROM deliveries WHERE parent = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
      )
      .run(String(hookId), kept);
  }

  close(): void {
    this.#database.close();
  }
}

/** Where hooks are looked for: of an App, of all repositories of an account, of one repository. */
export function hooksParent(target: Hook['target']): string | number {
  if (target.type === 'integration') return `app:${target.appId}`;
  return target.type === 'owner' ? `owner:${target.accountId}` : target.repositoryId;
}
