/** Every permission and event that Slipway's App asks for. */
export const appPermissions = {
  metadata: 'read',
  checks: 'write',
  statuses: 'write',
  contents: 'write',
  pull_requests: 'write',
  issues: 'write',
  members: 'read',
  deployments: 'write',
} as const;
export const appEvents = [
  'push',
  'pull_request',
  'issue_comment',
  'check_run',
  'check_suite',
  'create',
  'delete',
  'installation',
] as const;
