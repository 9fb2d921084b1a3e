/**
 * The shape of `.slipway.yaml` as JSON Schema (draft-07, which every editor understands): completes and checks while
 * typing. What a schema cannot say (cycles, unknown needs, bounds of a sum) the reader says.
 */
const text = { type: ['string', 'number', 'boolean'] };
const texts = { anyOf: [text, { type: 'array', items: text }] };
const duration = { type: 'string', pattern: '^(\\d+(ms|s|m|h))+$', examples: ['30s', '10m', '1h30m'] };
const label = { type: 'string', pattern: '^[a-z]([a-z0-9-]{0,48}[a-z0-9])?$' };
const httpPath = { type: 'string', pattern: '^/\\S*$' };
const environmentVariables = {
  type: 'object',
  propertyNames: { pattern: '^(?!SLIPWAY_)[A-Za-z_][A-Za-z0-9_]*$' },
  additionalProperties: text,
};

function object(properties: Readonly<Record<string, object>>, more: object = {}): object {
  return { type: 'object', properties, additionalProperties: false, ...more };
}

function described(schema: object, description: string): object {
  return { ...schema, description };
}

const filters = {
  branches: described(texts, 'Patterns such as main or release/*'),
  branchesIgnore: texts,
  paths: described(texts, 'At least one changed file matches'),
  pathsIgnore: texts,
};

const ofPullRequests = {
  labels: described(texts, 'At least one label of the pull request matches'),
  drafts: described({ type: 'boolean', default: true }, 'false: not while it is a draft'),
};

const triggers = object({
  push: { anyOf: [{ type: 'null' }, object(filters)] },
  pull_request: { anyOf: [{ type: 'null' }, object({ ...filters, ...ofPullRequests })] },
  tag: { anyOf: [{ type: 'null' }, object({ tags: texts })] },
  manual: { anyOf: [{ type: 'null' }, object({})] },
  schedule: (() => {
    const line = object({ cron: described({ type: 'string' }, 'minute hour day month weekday, in UTC') });
    return { anyOf: [line, { type: 'array', items: line }] };
  })(),
});

const deploy = object(
  {
    environment: described(label, 'Where it goes, for example production'),
    artifact: described(text, 'An artifact of the run; it is started by `command`'),
    image: described(text, 'name@sha256:<digest>, or what an artifact runs in'),
    command: texts,
    service: described(label, "Name of the Deployment and Service; by default the repository's"),
    port: { type: 'integer', minimum: 1, maximum: 65_535, default: 8_080 },
    replicas: { type: 'integer', minimum: 1, maximum: 100, default: 1 },
    env: environmentVariables,
    ready: described(httpPath, 'Answers 2xx or 3xx when the service can take traffic'),
    readyWithin: duration,
    onNotReady: { enum: ['rollback', 'hold'], default: 'rollback' },
    smoke: object({ path: httpPath, status: { type: 'integer', minimum: 100, maximum: 599 }, timeout: duration }),
  },
  { required: ['environment'] },
);

const approval = object({
  by: described(texts, 'Logins, and teams as organisation/team; left out: whoever may write'),
  required: described({ type: 'integer', minimum: 1, maximum: 10, default: 1 }, 'How many people have to approve'),
  owners: described({ type: 'boolean', default: false }, 'Each changed path needs one of its CODEOWNERS too'),
  authorMayApprove: { type: 'boolean', default: false },
  timeout: duration,
  onTimeout: described({ enum: ['expire', 'advance'], default: 'expire' }, 'What follows when nobody answers in time'),
});

const environment = object({
  deployers: described(texts, 'Who may deploy, roll back and lock by command; left out: whoever may write'),
  approval: described(approval, 'Whose consent a deploy there needs'),
});

const stage = object(
  {
    kind: described({ enum: ['build', 'test', 'deploy', 'verify'] }, 'Which state the run shows meanwhile'),
    needs: described(texts, 'Stages that have to succeed first'),
    image: described(text, 'What the pod runs; only sh is asked of it'),
    commands: described(texts, 'Shell lines, run in order; the first that fails ends the stage'),
    env: environmentVariables,
    timeout: described(duration, 'From 1s to 6h'),
    retries: { type: 'integer', minimum: 0, maximum: 5, default: 0 },
    resources: object({
      cpu: described({ type: ['string', 'number'] }, '500m or 2'),
      memory: described({ type: ['string', 'number'] }, '512Mi or 2Gi'),
      disk: described(
        { type: ['string', 'number'] },
        'What it may write: 500Mi or 5Gi; 20Gi at most, and when left out',
      ),
    }),
    pool: described(
      { type: 'string', pattern: '^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$' },
      'The class of nodes it runs on; an administrator says which there are',
    ),
    reports: object({ junit: described(texts, 'Files by pattern') }),
    matrix: {
      type: 'object',
      propertyNames: { pattern: '^[A-Za-z][A-Za-z0-9_-]{0,30}$' },
      additionalProperties: { anyOf: [text, { type: 'array', items: text, minItems: 1 }] },
    },
    artifacts: object({
      in: texts,
      out: {
        type: 'object',
        propertyNames: { pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$' },
        additionalProperties: text,
      },
    }),
    when: object({
      events: {
        anyOf: [{ $ref: '#/definitions/event' }, { type: 'array', items: { $ref: '#/definitions/event' } }],
      },
      branches: texts,
      paths: texts,
      ...ofPullRequests,
      after: { enum: ['success', 'failure', 'always'], default: 'success' },
    }),
    deploy,
  },
  { anyOf: [{ required: ['commands'] }, { required: ['deploy'] }] },
);

export const pipelineSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'A Slipway pipeline',
  definitions: { event: { enum: ['push', 'pull_request', 'tag', 'manual', 'schedule'] } },
  ...object(
    {
      on: described(triggers, 'What starts a run'),
      environments: described(
        { type: 'object', propertyNames: label, additionalProperties: environment },
        'Who may do what where; the base branch decides',
      ),
      hotfix: object({ by: described(texts, 'Who may put a change on the hotfix lane') }),
      stages: {
        type: 'object',
        minProperties: 1,
        propertyNames: { pattern: '^[A-Za-z0-9][A-Za-z0-9 ._(),=/-]{0,79}$' },
        additionalProperties: stage,
      },
    },
    { required: ['stages'] },
  ),
} as const;
