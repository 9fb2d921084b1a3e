import { stringify } from 'yaml';

/** A kubeconfig for the one user there is; whoever can read it may do everything in this cluster. */
export function kubeconfigText(access: { readonly url: string; readonly ca: string; readonly token: string }): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'slipway-embedded',
        cluster: {
          server: access.url,
          'certificate-authority-data': Buffer.from(access.ca).toString('base64'),
        },
      },
    ],
    users: [{ name: 'slipway-embedded', user: { token: access.token } }],
    contexts: [
      {
        name: 'slipway-embedded',
        context: { cluster: 'slipway-embedded', user: 'slipway-embedded', namespace: 'default' },
      },
    ],
    'current-context': 'slipway-embedded',
  });
}
