import { isScalar, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { EngineError } from './ports/errors.ts';

/** Programs that clouds' kubeconfigs get a token by. They are found on the PATH of Slipway's own machine or image. */
const plugins: readonly string[] = [
  'aws',
  'aws-iam-authenticator',
  'gke-gcloud-auth-plugin',
  'kubelogin',
  'doctl',
  'oci',
];

/** What a plugin may be told by its environment: whose account and where, nothing that changes what is run. */
const pluginVariables =
  /^(AWS_(PROFILE|REGION|DEFAULT_REGION|STS_REGIONAL_ENDPOINTS)|AAD_[A-Z_]+|AZURE_(TENANT|CLIENT)_ID|USE_GKE_GCLOUD_AUTH_PLUGIN|KUBERNETES_EXEC_INFO)$/;

const named = z.looseObject({ name: z.string() });
const schema = z.looseObject({
  'current-context': z.string().optional(),
  clusters: z.array(named.extend({ cluster: z.record(z.string(), z.unknown()).default({}) })).default([]),
  users: z.array(named.extend({ user: z.record(z.string(), z.unknown()).nullish() })).default([]),
  contexts: z.array(named).default([]),
});
const exec = z.looseObject({
  command: z.string(),
  args: z.array(z.string()).nullish(),
  env: z.array(z.looseObject({ name: z.string() })).nullish(),
});

const clusterPaths = ['certificate-authority'];
const userPaths = ['client-certificate', 'client-key', 'tokenFile'];

/**
 * Checks a kubeconfig before anything is made of it: it is code, since it names programs to run and files to read.
 * Plugins are taken by name only, from whomever it is.
 * @param origin `operator`: the file of who runs Slipway, whose paths are its own; `foreign`: a text that somebody
 * handed in, which names no file of this machine
 * @returns exactly what was checked, as JSON: another reader of the same YAML could find more in it
 * @throws EngineError `invalid` or `denied`, naming everything that is wrong and no value of a credential
 */
export function checkedKubeconfig(text: string, origin: 'operator' | 'foreign'): string {
  const raw = plainValue(text);
  const parsed = schema.safeParse(raw);
  if (!parsed.success)
    throw refused('invalid', ['it is no kubeconfig'], 'Write it anew, for example by `kubectl config view`');
  const { clusters, users } = parsed.data;
  const problems = [
    ...users.flatMap(({ name, user }) => userProblems(name, user ?? {}, origin)),
    ...(origin === 'operator' ? [] : clusters.flatMap(({ name, cluster }) => clusterProblems(name, cluster))),
  ];
  if (problems.length > 0) {
    throw refused(
      'denied',
      problems,
      origin === 'operator'
        ? `Use one of ${plugins.join(', ')} by its bare name, or a token`
        : 'Write certificates into it (`kubectl config view --raw --flatten`), and let it hold a token of a service account',
    );
  }
  return JSON.stringify(raw);
}

/** Undefined for what is no YAML, or uses what readers of YAML differ in: aliases and merged keys. */
function plainValue(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false });
  let isPlain = document.errors.length === 0;
  visit(document, {
    Alias: () => {
      isPlain = false;
    },
    Pair: (_, { key }) => {
      if (isScalar(key) && key.value === '<<') isPlain = false;
    },
  });
  return isPlain ? document.toJS() : undefined;
}

function userProblems(name: string, user: Readonly<Record<string, unknown>>, origin: 'operator' | 'foreign'): string[] {
  const problems: string[] = [];
  if (user['exec'] !== undefined && user['exec'] !== null) problems.push(...execProblems(name, user['exec'], origin));
  // Long gone from Kubernetes, and the client library still runs what its `cmd-path` names.
  const provider = user['auth-provider'];
  if (provider !== undefined && provider !== null) problems.push(`user "${shown(name)}" has an auth-provider`);
  if (origin === 'foreign')
    for (const field of userPaths)
      if (user[field] !== undefined) problems.push(`user "${shown(name)}" names a file by ${field}`);
  return problems;
}

function execProblems(name: string, value: unknown, origin: 'operator' | 'foreign'): string[] {
  const parsed = exec.safeParse(value);
  const who = `user "${shown(name)}"`;
  if (!parsed.success) return [`${who} has an exec that cannot be read`];
  const { command, args, env } = parsed.data;
  if (!plugins.includes(command)) return [`${who} would run "${shown(command)}"`];
  // Its own account would speak for whoever wrote this, to a server of their choice.
  if (origin === 'foreign') return [`${who} would use Slipway's own account by ${command}`];
  const variable = (env ?? []).find((each) => !pluginVariables.test(each.name));
  if (variable !== undefined) return [`${who} would run ${command} with ${shown(variable.name)} set`];
  const path = (args ?? []).find((arg) => /^(file|fileb):/i.test(arg));
  return path === undefined ? [] : [`${who} would let ${command} read "${shown(path)}"`];
}

function clusterProblems(name: string, cluster: Readonly<Record<string, unknown>>): string[] {
  const who = `cluster "${shown(name)}"`;
  const server = cluster['server'];
  return [
    ...clusterPaths.filter((field) => cluster[field] !== undefined).map((field) => `${who} names a file by ${field}`),
    ...(typeof server === 'string' && /^https:\/\//i.test(server) ? [] : [`${who} is not reached by https`]),
    ...(cluster['insecure-skip-tls-verify'] === true ? [`${who} is not to be verified`] : []),
  ];
}

function shown(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 80);
}

function refused(code: 'invalid' | 'denied', problems: readonly string[], fix: string): EngineError {
  return new EngineError({ code, what: 'Reading a kubeconfig', why: problems.join('; '), fix });
}
