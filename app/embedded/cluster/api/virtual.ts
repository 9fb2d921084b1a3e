import { isRecord } from '../objects/selectors.ts';
import type { ResourcePath } from './request.ts';
import { badRequest } from './status-error.ts';

/** Questions about access: whoever got in may do everything here. Undefined where the path is no such question. */
export function answerReview({ group, plural }: ResourcePath, body: unknown): object | undefined {
  const status = statusOf(group, plural);
  if (status === undefined) return undefined;
  if (!isRecord(body)) throw badRequest('The body must be one object');
  return { ...body, metadata: {}, status };
}

function statusOf(group: string, plural: string): object | undefined {
  if (group === 'authentication.k8s.io' && plural === 'selfsubjectreviews') {
    return { userInfo: { username: 'slipway-embedded', groups: ['system:masters', 'system:authenticated'] } };
  }
  if (group !== 'authorization.k8s.io') return undefined;
  if (plural === 'selfsubjectaccessreviews' || plural === 'subjectaccessreviews') return { allowed: true };
  return plural === 'selfsubjectrulesreviews'
    ? { resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], nonResourceRules: [], incomplete: false }
    : undefined;
}
