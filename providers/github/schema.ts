import { z } from 'zod';

// Only the fields used. Hosts add fields all the time: unknown ones are passed over.

const account = z.object({ login: z.string(), id: z.number() });
const installation = z.object({ id: z.number() });

const repository = z.object({
  id: z.number(),
  name: z.string(),
  full_name: z.string(),
  default_branch: z.string().default('main'),
});

export const Common = z.object({
  action: z.string().optional(),
  installation: installation.optional(),
  repository: repository.optional(),
  sender: account.optional(),
});

const withRepository = z.object({ installation, repository, sender: account });

export const Push = withRepository.extend({
  ref: z.string(),
  before: z.string(),
  after: z.string(),
  deleted: z.boolean(),
  forced: z.boolean(),
  head_commit: z.object({ id: z.string(), message: z.string() }).nullable(),
});

const side = z.object({ ref: z.string(), sha: z.string(), repo: z.object({ id: z.number() }).nullable() });

export const PullRequest = withRepository.extend({
  action: z.string(),
  number: z.number(),
  before: z.string().optional(),
  changes: z.object({ base: z.object({ sha: z.object({ from: z.string() }).optional() }).optional() }).optional(),
  pull_request: z.object({
    title: z.string(),
    user: account,
    head: side,
    base: side,
    draft: z.boolean().default(false),
    merged: z.boolean().nullish(),
    labels: z.array(z.object({ name: z.string() })).default([]),
  }),
});

export const CheckRun = withRepository.extend({
  action: z.string(),
  check_run: z.object({
    head_sha: z.string(),
    external_id: z.string().nullable(),
    completed_at: z.iso.datetime({ offset: true }).nullish(),
  }),
  requested_action: z.object({ identifier: z.string() }).nullish(),
});

export const MergeGroup = withRepository.extend({
  action: z.string(),
  merge_group: z.object({
    head_sha: z.string(),
    head_ref: z.string(),
    base_sha: z.string(),
    base_ref: z.string(),
    head_commit: z.object({ message: z.string() }).nullish(),
  }),
});

export const CheckSuite = withRepository.extend({
  action: z.string(),
  check_suite: z.object({ head_sha: z.string() }),
});

export const IssueComment = withRepository.extend({
  action: z.string(),
  issue: z.object({ number: z.number(), pull_request: z.object({}).nullish() }),
  comment: z.object({ id: z.number(), body: z.string(), user: account.extend({ type: z.string().optional() }) }),
});

export const Labeled = PullRequest.extend({ label: z.object({ name: z.string() }) });

const granted = installation.extend({
  account: z.object({ login: z.string() }).nullish(),
  permissions: z.record(z.string(), z.string()).default({}),
  repository_selection: z.enum(['all', 'selected']).default('selected'),
});

const brief = z.object({ id: z.number(), name: z.string(), full_name: z.string() });

export const Installation = z.object({ action: z.string(), installation: granted, sender: account });

export const InstallationRepositories = z.object({
  action: z.string(),
  installation: granted,
  repositories_added: z.array(brief).default([]),
  repositories_removed: z.array(brief).default([]),
  sender: account,
});

const formerOwner = z.object({ login: z.string() });

export const Repository = withRepository.extend({
  action: z.string(),
  changes: z
    .object({
      repository: z.object({ name: z.object({ from: z.string() }) }).optional(),
      owner: z
        .object({ from: z.object({ user: formerOwner.nullish(), organization: formerOwner.nullish() }) })
        .optional(),
    })
    .optional(),
});
