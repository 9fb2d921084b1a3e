import { join } from 'node:path';
import { bitbucketSetup } from '../../providers/bitbucket/setup.ts';
import type { GitHostSetup } from '../../providers/git-host-setup.ts';
import { gitLabSetup } from '../../providers/gitlab/setup.ts';
import { appManifest } from '../app-manifest.ts';
import { embeddedGitHub, keptSecret } from './embedded-slipway.ts';
import type { FaceName } from './git-host/face.ts';
import { type EmbeddedGitHost, type EmbeddedGitHostOptions, startEmbeddedGitHost } from './git-host/git-host.ts';
import { bitbucketTour } from './tour/bitbucket.ts';
import { gitHubTour } from './tour/github.ts';
import { gitLabTour } from './tour/gitlab.ts';
import type { TourHost, TourPeople, TourPerson } from './tour/tour-host.ts';

const organization = 'acme';
export const repository = 'hello';
const bot = 'slipway';
const cloner = 'slipway-clones';

/** The embedded Git host with a repository, and Slipway installed on it. */
export interface InstalledHost {
  readonly host: Pick<EmbeddedGitHost, 'url' | 'signInLink' | 'stop'>;
  /** How Slipway reaches it. */
  readonly setup: GitHostSetup;
  readonly people: TourPeople;
  readonly tour: TourHost;
  /** Where its webhooks go from now on, and whom its people are known to. */
  sendTo(slipway: ReachedSlipway): Promise<void>;
}

/** As much of a running Slipway as a host on this machine needs. */
export interface ReachedSlipway {
  readonly url: string;
  personLink(
    person: { readonly provider: string; readonly login: string },
    address: string,
  ): Promise<string | undefined>;
}

/** Starts the host with this face. Safe to repeat: what is there already stays. */
export async function startInstalledHost(
  face: FaceName,
  facts: { readonly dataDir: string } & Pick<EmbeddedGitHostOptions, 'log' | 'address'>,
): Promise<InstalledHost & { readonly host: EmbeddedGitHost }> {
  const { dataDir, log, address } = facts;
  const host = await startEmbeddedGitHost({
    dataDir: join(dataDir, face === 'github' ? 'git-host' : `git-host-${face}`),
    log,
    face,
    ...(address === undefined ? {} : { address }),
  });
  const knownTo = ({ url, personLink }: ReachedSlipway) =>
    host.vouchFor({
      below: `${url}/runs/`,
      link: (login, address) => personLink({ provider: face, login }, address),
    });
  const person = (login: string): TourPerson => {
    host.createUser(login);
    return { login, token: host.createToken(login) };
  };
  const humans = { developer: person('dev'), reviewer: person('rev'), contributor: person('guest') };
  host.createOrganization(organization, { admins: [humans.developer.login] });
  await host.createRepository(organization, repository, { description: 'A small web service' });
  host.addCollaborator(organization, repository, humans.reviewer.login, 'write');
  const webhookSecret = await keptSecret(join(dataDir, 'webhook-secret'));
  if (face === 'github') {
    const app = await host.registerApp({
      owner: organization,
      webhookUrl: 'http://127.0.0.1:9/',
      webhookSecret,
      ...appManifest(),
    });
    host.installApp(app.slug, organization);
    const people = { ...humans, bot: app.botLogin };
    return {
      host,
      setup: embeddedGitHub(host, app, webhookSecret),
      people,
      tour: gitHubTour(host, organization, repository, people),
      async sendTo(slipway) {
        host.setWebhookUrl(app.slug, `${slipway.url}/webhooks/github`);
        knownTo(slipway);
      },
    };
  }
  const { token } = person(bot);
  const { token: cloneToken } = person(cloner);
  host.addCollaborator(organization, repository, bot, 'admin');
  host.addCollaborator(organization, repository, cloner, 'read');
  const config = { url: host.url, token, cloneToken, webhookSecrets: [webhookSecret] };
  const people = { ...humans, bot };
  return {
    host,
    setup:
      face === 'gitlab'
        ? gitLabSetup(config)
        : bitbucketSetup({ ...config, apiUrl: host.apiUrl, email: `${bot}@example.com` }),
    people,
    tour:
      face === 'gitlab'
        ? gitLabTour(host, organization, repository, people)
        : bitbucketTour(host, organization, repository, people),
    async sendTo(slipway) {
      knownTo(slipway);
      host.setRepositoryHook(organization, repository, {
        url: `${slipway.url}/webhooks/${face}`,
        secret: webhookSecret,
        events: ['*'],
      });
    },
  };
}
