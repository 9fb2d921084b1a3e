import { pino } from 'pino';
import { startEmbeddedGitHost } from '../../../../app/embedded/git-host/git-host.ts';
import { appEvents, appPermissions } from './app-settings.ts';

/** A host in a process of its own, to be killed: `node host-process.ts <folder> <webhook URL>`. Prints a clone URL with its token. */
const [dataDir = '', webhookUrl = ''] = process.argv.slice(2);
const host = await startEmbeddedGitHost({ dataDir, log: pino({ level: 'silent' }) });
host.createUser('ann');
host.createOrganization('acme', { admins: ['ann'] });
const facts = { owner: 'acme', webhookSecret: 's3cret', events: [...appEvents], permissions: appPermissions };
const app = await host.registerApp({ ...facts, webhookUrl });
const { cloneUrl } = await host.createRepository('acme', 'web');
host.installApp(app.slug, 'acme');
process.stdout.write(`${cloneUrl.replace('://', `://ann:${host.createToken('ann')}@`)}\n`);
