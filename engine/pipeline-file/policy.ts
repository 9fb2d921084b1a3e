import type { Node } from 'yaml';
import type { ApprovalPolicy, EnvironmentPolicy, Group } from '../core/policy.ts';
import { type Reader, shown } from './reader.ts';
import { parseDuration } from './units.ts';

const environmentName = /^[a-z]([a-z0-9-]{0,48}[a-z0-9])?$/;
const maxRequired = 10;
const defaultTimeoutMs = 30 * 60_000;
const maxTimeoutMs = 90 * 24 * 3_600_000;

/** Who may deploy to each environment, and whose consent that needs. */
export function readEnvironments(reader: Reader, node: Node | null): readonly EnvironmentPolicy[] {
  const map = reader.map(node, 'environments');
  return (map === undefined ? [] : reader.entries(map, 'environments')).map(({ key, value, name }) => {
    if (!environmentName.test(name))
      reader.note(
        key,
        `"${shown(name)}" cannot name an environment`,
        'Names have small letters, digits and -',
        'Write it as the deploy stages do, for example production',
      );
    const what = `environment "${shown(name)}"`;
    let deployers: readonly Group[] = [];
    let approval: ApprovalPolicy | undefined;
    reader.fields(value, what, {
      deployers: (it) => (deployers = readGroups(reader, it, `deployers of ${what}`)),
      approval: (it) => (approval = readApproval(reader, it, `approval of ${what}`)),
    });
    return { environment: name, deployers, ...(approval === undefined ? {} : { approval }) };
  });
}

/** Who may put a change on the hotfix lane. */
export function readHotfix(reader: Reader, node: Node | null): readonly Group[] {
  let by: readonly Group[] = [];
  reader.fields(node, 'hotfix', { by: (it) => (by = readGroups(reader, it, 'by of hotfix')) });
  return by;
}

function readApproval(reader: Reader, node: Node | null, what: string): ApprovalPolicy {
  let policy: ApprovalPolicy = { by: [], required: 1, owners: false, mayAuthorApprove: false, onTimeout: 'expire' };
  const flag = (it: Node | null, name: string) => reader.oneOf(it, `${name} of ${what}`, ['true', 'false']) === 'true';
  reader.fields(node, what, {
    by: (it) => (policy = { ...policy, by: readGroups(reader, it, `by of ${what}`) }),
    owners: (it) => (policy = { ...policy, owners: flag(it, 'owners') }),
    required: (it) => {
      const required = reader.integer(it, `required of ${what}`, { from: 1, to: maxRequired });
      if (required !== undefined) policy = { ...policy, required };
    },
    authorMayApprove: (it) => (policy = { ...policy, mayAuthorApprove: flag(it, 'authorMayApprove') }),
    timeout: (it) => {
      const timeoutMs = reader.parsed(it, `timeout of ${what}`, parseDuration, '30m');
      if (timeoutMs !== undefined && (timeoutMs < 1_000 || timeoutMs > maxTimeoutMs))
        reader.note(it, `timeout of ${what} is out of bounds`, 'It lies between 1s and 90 days (2160h)', 'Write 30m');
      else if (timeoutMs !== undefined) policy = { ...policy, timeoutMs };
    },
    onTimeout: (it) => {
      const onTimeout = reader.oneOf(it, `onTimeout of ${what}`, ['expire', 'advance'] as const);
      if (onTimeout !== undefined) policy = { timeoutMs: defaultTimeoutMs, ...policy, onTimeout };
    },
  });
  const people = policy.by.filter(({ type }) => type === 'person').length;
  if (people > 0 && people === policy.by.length && people < policy.required)
    reader.note(
      node,
      `${what} can never be given`,
      `It asks for ${policy.required} people and names ${people}`,
      'Name more people or a team, or ask for fewer',
    );
  return policy;
}

/** `ann` is a person, `acme/shippers` a team; the `@` of CODEOWNERS may stand before either. */
function readGroups(reader: Reader, node: Node | null, what: string): readonly Group[] {
  return (reader.texts(node, what) ?? []).flatMap((text): readonly Group[] => {
    const name = text.replace(/^@/, '');
    // Bitbucket's people have ids alone to be known by: `712020:4f1c...`.
    if (/^[\w.-]+(?::[\w-]+)?$/.test(name)) return [{ type: 'person', login: name }];
    if (/^[\w.-]+(?:\/[\w.-]+)+$/.test(name)) return [{ type: 'team', name }];
    reader.note(
      node,
      `"${shown(text)}" in ${what} names nobody`,
      'People are named by login (on Bitbucket by account id), teams as organisation/team',
      'Write it like ann or acme/shippers',
    );
    return [];
  });
}
