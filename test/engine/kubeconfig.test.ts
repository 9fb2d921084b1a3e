import { expect, it } from 'vitest';
import { checkedKubeconfig } from '../../engine/kubeconfig.ts';

const kubeconfig = (user: object, cluster: object = {}) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    clusters: [{ name: 'c', cluster: { server: 'https://k.example', ...cluster } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    users: [{ name: 'u', user }],
  });
const exec = (command: string, more: object = {}) => ({
  exec: { apiVersion: 'client.authentication.k8s.io/v1', command, ...more },
});

it.each([
  ['a token', kubeconfig({ token: 'x' })],
  ["EKS's plugin", kubeconfig(exec('aws', { args: ['eks', 'get-token'], env: [{ name: 'AWS_PROFILE', value: 'p' }] }))],
  ["GKE's plugin", kubeconfig(exec('gke-gcloud-auth-plugin', { provideClusterInfo: true, args: null, env: null }))],
  ["AKS's plugin", kubeconfig(exec('kubelogin', { args: ['get-token'] }))],
  ['files of its own', kubeconfig({ 'client-key': '/k', tokenFile: '/t' }, { 'certificate-authority': '/ca' })],
])('takes from who runs Slipway %s', (_, text) => {
  expect(checkedKubeconfig(text, 'operator')).toBe(text);
});

it.each([
  ['a shell', exec('sh', { args: ['-c', 'id'] }), 'user "u" would run "sh"'],
  ['a path to a plugin', exec('/tmp/aws'), 'user "u" would run "/tmp/aws"'],
  ['a plugin beside itself', exec('./kubelogin'), 'would run "./kubelogin"'],
  ['a library in the plugin', exec('aws', { env: [{ name: 'LD_PRELOAD', value: '/x' }] }), 'aws with LD_PRELOAD set'],
  ['another PATH', exec('aws', { env: [{ name: 'PATH', value: '/x' }] }), 'aws with PATH set'],
  ['a file as an argument', exec('aws', { args: ['--cli-input-json', 'file:///etc/shadow'] }), 'file:///etc/shadow'],
  ['an old provider', { 'auth-provider': { name: 'gcp', config: { 'cmd-path': 'sh' } } }, 'has an auth-provider'],
])('runs for nobody %s', (_, user, why) => {
  for (const origin of ['operator', 'foreign'] as const)
    expect(() => checkedKubeconfig(kubeconfig(user), origin)).toThrow(
      origin === 'operator' ? why : /user "u" (would|has)/,
    );
});

it.each([
  ['a key file', kubeconfig({ 'client-key': '/etc/shadow' }), 'names a file by client-key'],
  ['a token file', kubeconfig({ tokenFile: '/var/run/secrets/token' }), 'names a file by tokenFile'],
  ['a certificate file', kubeconfig({}, { 'certificate-authority': '/ca' }), 'names a file by certificate-authority'],
  ["Slipway's own account", kubeconfig(exec('aws')), "would use Slipway's own account by aws"],
  ['plain text', kubeconfig({}, { server: 'http://k.example' }), 'not reached by https'],
  ['a server that is not verified', kubeconfig({}, { 'insecure-skip-tls-verify': true }), 'not to be verified'],
])('takes from a stranger no %s', (_, text, why) => {
  expect(() => checkedKubeconfig(text, 'foreign')).toThrow(why);
});

it('names everything that is wrong, and no credential', () => {
  const text = kubeconfig({ token: 'very-secret', tokenFile: '/t' }, { 'certificate-authority': '/ca' });
  try {
    checkedKubeconfig(text, 'foreign');
    expect.unreachable();
  } catch (error) {
    expect(String(error)).toMatch(/tokenFile.*certificate-authority/s);
    expect(String(error)).not.toContain('very-secret');
  }
});

it.each([
  '',
  '- a',
  '{',
  'users: 1',
  'a: &a [x]\nusers: *a',
  'users: [{ name: u, user: { <<: { exec: { command: sh } } } }]',
])('is not taken for a kubeconfig: %s', (text) => {
  if (text === '') return expect(() => checkedKubeconfig('null', 'operator')).toThrow('no kubeconfig');
  expect(() => checkedKubeconfig(text, 'operator')).toThrow('Reading a kubeconfig');
});
