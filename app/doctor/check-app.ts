import type { AppInstallation, HostApp, HostAppReport } from '../../providers/git-host-app.ts';
import { deliveryFinding, isTaken } from './check-connections.ts';
import type { Check, Finding } from './finding.ts';

interface Wanted {
  readonly permissions: Readonly<Record<string, string>>;
  readonly events: readonly string[];
}

const levels = ['none', 'read', 'write', 'admin'];

/** Whether the App is registered as Slipway needs it, whether its deliveries arrive, and what each installation grants. */
export function checkApp(parts: {
  readonly provider: string;
  readonly app: HostApp;
  /** What app.yml lists. */
  readonly wanted: Wanted;
  /** Where deliveries have to go. */
  readonly url: string;
}): Check {
  const { provider: subject, app, wanted } = parts;
  return {
    subject,
    async *run() {
      const report = await app.report();
      yield* registration(subject, report, wanted, parts.url);
      yield* deliveries(subject, report);
      const installations = await app.installations();
      if (installations.length === 0) {
        yield {
          subject,
          state: 'warning',
          what: `${report.name} is installed nowhere`,
          why: 'Nobody let it in yet',
          fix: "Install it from the App's page at the host",
        };
      }
      for (const installation of installations) yield* checkInstallation(subject, installation, app, wanted);
    },
  };
}

function* registration(subject: string, report: HostAppReport, wanted: Wanted, url: string): Generator<Finding> {
  const { name, permissions, events, hookUrl } = report;
  const missing = missingIn(permissions, wanted);
  const untold = wanted.events.filter((event) => !events.includes(event));
  const fix = "Add them in the App's settings at the host; each owner then has to accept them";
  if (missing.length > 0)
    yield {
      subject,
      state: 'broken',
      what: `${name} does not ask for ${missing.join(', ')}`,
      why: 'app.yml lists them, each with its reason',
      fix,
    };
  if (untold.length > 0)
    yield {
      subject,
      state: 'broken',
      what: `${name} does not hear of ${untold.join(', ')}`,
      why: 'app.yml lists these events',
      fix,
    };
  if (hookUrl !== url) {
    yield {
      subject,
      state: 'broken',
      what: `The webhook of ${name} goes elsewhere`,
      why: `It points to ${hookUrl === '' ? 'nothing' : hookUrl}, and Slipway is at ${url}`,
      fix: "Set it in the App's settings at the host, or correct SLIPWAY_PUBLIC_URL",
    };
  }
  if (missing.length + untold.length === 0 && hookUrl === url)
    yield { subject, state: 'well', what: `${name} asks for what it needs, and its webhook points here` };
}

function* deliveries(subject: string, { deliveries }: HostAppReport): Generator<Finding> {
  const [newest] = deliveries;
  if (newest === undefined) return;
  const failed = deliveries.filter(({ status }) => !isTaken(status));
  if (!isTaken(newest.status))
    yield deliveryFinding(
      subject,
      `The last delivery (${newest.event}, ${newest.at.toISOString().slice(0, 16).replace('T', ' ')})`,
      newest.status,
      "Set the webhook secret in the App's settings to that of GITHUB_WEBHOOK_SECRET, or register the App anew: `slipway setup`",
    );
  else if (failed.length > 0)
    yield {
      subject,
      state: 'warning',
      what: `${failed.length} of the last ${deliveries.length} deliveries failed, the newest one arrived`,
      why: 'Slipway was away, or could not be reached; it has them sent again',
      fix: 'Nothing has to be done where it was started anew meanwhile',
    };
  else yield { subject, state: 'well', what: `The last ${deliveries.length} deliveries arrived` };
}

async function* checkInstallation(
  provider: string,
  installation: AppInstallation,
  app: HostApp,
  wanted: Wanted,
): AsyncGenerator<Finding> {
  const { account, state, permissions, tenant } = installation;
  const subject = `${provider} ${account}`;
  if (state === 'suspended') {
    yield {
      subject,
      state: 'warning',
      what: 'The installation is suspended',
      why: 'Its owner did that; nothing runs there',
      fix: "End the suspension in the organisation's settings, where that is wanted",
    };
    return;
  }
  const missing = missingIn(permissions, wanted);
  if (missing.length > 0) {
    yield {
      subject,
      state: 'broken',
      what: `It does not grant ${missing.join(', ')}`,
      why: 'The App asks for more than its owner has accepted',
      fix: "An owner accepts it in the organisation's settings, under GitHub Apps",
    };
  } else yield { subject, state: 'well', what: 'It grants what is needed' };
  const { repositories, isComplete } = await app.repositories(tenant);
  const count = `${isComplete ? '' : 'more than '}${repositories.length} ${repositories.length === 1 ? 'repository is' : 'repositories are'} seen`;
  if (repositories.length > 0) yield { subject, state: 'well', what: `${count} (${installation.repositories})` };
  else
    yield {
      subject,
      state: 'warning',
      what: 'No repository is seen',
      why: installation.repositories === 'selected' ? 'None was selected' : 'The account has none',
      fix: "Select some in the installation's settings",
    };
}

function missingIn(granted: Readonly<Record<string, string>>, { permissions }: Wanted): readonly string[] {
  return Object.entries(permissions).flatMap(([name, level]) => {
    // GitHub names it in no list: whoever is let in has it.
    const held = granted[name] ?? (name === 'metadata' ? 'read' : 'none');
    return levels.indexOf(held) >= levels.indexOf(level) ? [] : [`${name}: ${level}`];
  });
}
