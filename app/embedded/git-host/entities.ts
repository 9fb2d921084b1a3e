import { z } from 'zod';

/** What the host keeps, one table per entity. Times are ISO 8601 in UTC to the second, as GitHub prints them. */

const id = z.number().int().positive();
const time = z.string();

export const Role = z.enum(['admin', 'write', 'read']);
export type Role = z.infer<typeof Role>;

/** A GitHub App's permissions by resource, such as `checks: write`. */
export const Permissions = z.record(z.string(), z.enum(['read', 'write', 'admin']));
export type Permissions = z.infer<typeof Permissions>;

export const Account = z.object({
  id,
  login: z.string(),
  type: z.enum(['User', 'Bot', 'Organization']),
  name: z.string().nullable(),
  createdAt: time,
});
export type Account = z.infer<typeof Account>;

/** Membership of an organisation, or rights on one repository: `scope` says which. */
export const Grant = z.object({
  id,
  scope: z.enum(['organization', 'repository']),
  /** The organisation's account, or the repository. */
  onId: id,
  accountId: id,
  role: Role,
});
export type Grant = z.infer<typeof Grant>;

/** People of an organisation, as policies name them: `organisation/slug`. */
export const Team = z.object({ id, organizationId: id, slug: z.string(), memberIds: z.array(id) });
export type Team = z.infer<typeof Team>;

/** A credential, kept only as its SHA-256. */
export const AccessToken = z.object({
  id,
  hash: z.string(),
  for: z.discriminatedUnion('type', [
    z.object({
      type: z.literal('user'),
      accountId: id,
      /** In the host's words; absent: all that the person may. */
      scopes: z.array(z.string()).optional(),
    }),
    z.object({
      type: z.literal('installation'),
      installationId: id,
      repositoryIds: z.array(id).nullable(),
      permissions: Permissions,
    }),
    z.object({ type: z.literal('sign-in'), accountId: id }),
    z.object({ type: z.literal('session'), accountId: id }),
    /** The code of a new App's manifest: worth its key, once. */
    z.object({ type: z.literal('app-manifest'), appId: id }),
    /** Worth a token of the person, once, to whom it was made for. */
    z.object({
      type: z.literal('oauth-code'),
      accountId: id,
      clientId: z.string(),
      redirectUrl: z.string(),
      scopes: z.array(z.string()).readonly(),
      challenge: z.string().nullable(),
    }),
  ]),
  expiresAt: time.nullable(),
});
export type AccessToken = z.infer<typeof AccessToken>;

export const Repository = z.object({
  id,
  ownerId: id,
  name: z.string(),
  description: z.string().nullable(),
  private: z.boolean(),
  defaultBranch: z.string(),
  forkOfId: id.nullable(),
  /** Highest number given to a pull request. */
  lastNumber: z.number().int(),
  /** The refs that webhooks have told of; what git holds beyond them is yet to be announced. */
  announcedRefs: z.record(z.string(), z.string()),
  /** Names of checks that must pass before a merge into a branch. */
  requiredChecks: z.record(z.string(), z.array(z.string())),
  /** Branches that are merged into by a queue alone. */
  queuedBranches: z.array(z.string()).default([]),
  createdAt: time,
  updatedAt: time,
  pushedAt: time,
});
export type Repository = z.infer<typeof Repository>;

export const App = z.object({
  id,
  slug: z.string(),
  name: z.string(),
  clientId: z.string(),
  ownerId: id,
  botId: id,
  publicKeyPem: z.string(),
  permissions: Permissions,
  events: z.array(z.string()),
  /** Where people go after they installed it. */
  setupUrl: z.string().nullable().default(null),
  createdAt: time,
});
export type App = z.infer<typeof App>;

/** What another site signs people in by. */
export const OAuthApp = z.object({
  id,
  clientId: z.string(),
  secretHash: z.string(),
  name: z.string(),
  redirectUrls: z.array(z.string()),
});
export type OAuthApp = z.infer<typeof OAuthApp>;

export const Installation = z.object({
  id,
  appId: id,
  accountId: id,
  permissions: Permissions,
  events: z.array(z.string()),
  suspendedAt: time.nullable().default(null),
  createdAt: time,
});
export type Installation = z.infer<typeof Installation>;

export const Hook = z.object({
  id,
  target: z.discriminatedUnion('type', [
    z.object({ type: z.literal('integration'), appId: id }),
    z.object({ type: z.literal('repository'), repositoryId: id }),
    /** On all repositories of an account, those to come too: of a group or workspace. */
    z.object({ type: z.literal('owner'), accountId: id }),
  ]),
  url: z.string(),
  secret: z.string(),
  events: z.array(z.string()),
  active: z.boolean(),
  createdAt: time,
});
export type Hook = z.infer<typeof Hook>;

export const Delivery = z.object({
  id,
  hookId: id,
  /** Stays the same over redeliveries. */
  guid: z.string(),
  event: z.string(),
  action: z.string().nullable(),
  installationId: id.nullable(),
  repositoryId: id.nullable(),
  redelivery: z.boolean(),
  /** The body exactly as it is signed and sent. */
  payload: z.string(),
  state: z.enum(['pending', 'done']),
  status: z.string(),
  statusCode: z.number().int(),
  durationMs: z.number(),
  requestHeaders: z.record(z.string(), z.string()),
  responseHeaders: z.record(z.string(), z.string()),
  responseBody: z.string(),
  createdAt: time,
  deliveredAt: time,
});
export type Delivery = z.infer<typeof Delivery>;

export const Label = z.object({
  id,
  repositoryId: id,
  name: z.string(),
  color: z.string(),
  description: z.string().nullable(),
});
export type Label = z.infer<typeof Label>;

export const Pull = z.object({
  id,
  repositoryId: id,
  number: z.number().int(),
  authorId: id,
  title: z.string(),
  body: z.string().nullable(),
  state: z.enum(['open', 'closed']),
  draft: z.boolean(),
  headRepositoryId: id,
  headRef: z.string(),
  headSha: z.string(),
  baseRef: z.string(),
  baseSha: z.string(),
  labelIds: z.array(id),
  stats: z.object({
    commits: z.number().int(),
    additions: z.number().int(),
    deletions: z.number().int(),
    changedFiles: z.number().int(),
  }),
  mergeCommitSha: z.string().nullable(),
  mergedById: id.nullable(),
  mergedAt: time.nullable(),
  closedAt: time.nullable(),
  createdAt: time,
  updatedAt: time,
});
export type Pull = z.infer<typeof Pull>;

/** A pull request that waits to be merged; `group` is what it would become, while the checks of that are awaited. */
export const QueueEntry = z.object({
  id,
  repositoryId: id,
  number: z.number().int(),
  baseRef: z.string(),
  byId: id,
  group: z
    .object({
      ref: z.string(),
      baseSha: z.string(),
      headSha: z.string(),
      /** The head of the pull request that is in it. */
      pullSha: z.string(),
      message: z.string(),
    })
    .nullable(),
});
export type QueueEntry = z.infer<typeof QueueEntry>;

export const Comment = z.object({
  id,
  repositoryId: id,
  number: z.number().int(),
  authorId: id,
  /** The App whose token wrote it. */
  appId: id.nullable(),
  body: z.string(),
  /** Where hosts keep the place of a comment that is gone: Bitbucket. */
  isDeleted: z.literal(true).optional(),
  createdAt: time,
  updatedAt: time,
});
export type Comment = z.infer<typeof Comment>;

export const ReactionContent = z.enum(['+1', '-1', 'laugh', 'confused', 'heart', 'hooray', 'rocket', 'eyes']);
export type ReactionContent = z.infer<typeof ReactionContent>;

export const Reaction = z.object({
  id,
  /** `comment:<id>` or `pull:<id>`. */
  subject: z.string(),
  accountId: id,
  content: ReactionContent,
  createdAt: time,
});
export type Reaction = z.infer<typeof Reaction>;
