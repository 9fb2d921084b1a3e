import { appManifest } from '../app-manifest.ts';
import { signInAddress } from './sign-in-routes.ts';

/** GitHub's limit. */
const maxNameChars = 34;

/** What GitHub is asked to register: app.yml, with Slipway's own addresses. */
export function gitHubManifest(url: string, organization: string | undefined) {
  const { permissions, events } = appManifest();
  // Names are unique over all of GitHub; people may still change it there.
  const name = `Slipway ${organization ?? new URL(url).hostname}`.slice(0, maxNameChars).trimEnd();
  return {
    name,
    url,
    description: 'Delivery that lives in pull requests',
    public: false,
    hook_attributes: { url: `${url}/webhooks/github`, active: true },
    redirect_url: `${url}/setup/github/created`,
    callback_urls: [signInAddress(url, 'github')],
    setup_url: `${url}/setup/github/installed`,
    default_permissions: permissions,
    default_events: events,
  };
}
