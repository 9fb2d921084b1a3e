import { createInterface } from 'node:readline';
import { Argument, Command } from 'commander';
import { z } from 'zod';
import { connectable, connectVariables } from '../git-hosts.ts';
import { CliError } from './cli-error.ts';
import { clientOf, type Output, outputOf, printable, type ServerOptions, withServerOptions } from './output.ts';

const stepSchema = z.object({
  path: z.string(),
  did: z.enum(['made', 'repaired', 'removed', 'nothing', 'refused']),
  because: z.array(z.string()),
});
type Step = z.infer<typeof stepSchema>;

const newsSchema = z.union([
  z.object({ note: z.string() }),
  stepSchema,
  z.object({ error: z.string(), fix: z.string() }),
]);
type News = z.infer<typeof newsSchema>;

interface ConnectOptions extends ServerOptions {
  readonly url?: string;
  readonly email?: string;
  readonly tokenStdin?: boolean;
  readonly labels?: boolean;
  readonly dryRun?: boolean;
}

const host = new Argument('<host>', 'which Git host').choices(connectable);
const path = new Argument('<place>', 'a group, workspace or organisation, or one repository in it: acme, acme/web');

export function connectCommand(): Command {
  return withServerOptions(new Command('connect'))
    .description('connect a group, workspace or organisation: its repositories get a webhook, later ones too')
    .addArgument(host)
    .addArgument(path)
    .option('--url <address>', 'where the host is, where it is one of your own')
    .option('--email <address>', 'Bitbucket: address of the bot user')
    .option(
      '--token-stdin',
      'read the token from the first line of standard input, what pods clone with from the second',
    )
    .option('--labels', 'make the labels hotfix, hold and skip-deploy in its repositories')
    .option('--dry-run', 'say what would be done, and do nothing')
    .addHelpText('after', `\n${variablesInWords()}`)
    .action(async (provider: string, place: string, options: ConnectOptions) => {
      const client = await clientOf(options);
      const body = {
        provider,
        path: place,
        settings: await settingsOf(provider, options),
        makesLabels: options.labels === true,
        isDryRun: options.dryRun === true,
      };
      await show(client.lines('/connections', body, newsSchema), options, 'connect');
    });
}

export function disconnectCommand(): Command {
  return withServerOptions(new Command('disconnect'))
    .description('take the webhooks away that `slipway connect` made, and end what runs there')
    .addArgument(host)
    .addArgument(path)
    .option('--dry-run', 'say what would be done, and do nothing')
    .action(async (provider: string, place: string, options: ServerOptions & { readonly dryRun?: boolean }) => {
      const client = await clientOf(options);
      const body = { provider, path: place, isDryRun: options.dryRun === true };
      await show(client.lines('/connections/remove', body, newsSchema), options, 'disconnect');
    });
}

/** Tokens are never given as arguments: every user of the machine could read them there. */
async function settingsOf(provider: string, options: ConnectOptions): Promise<Readonly<Record<string, string>>> {
  const { url, tokens, others } = connectVariables(provider);
  const [token, cloneToken] = tokens;
  const lines = options.tokenStdin === true ? await linesOfInput() : [];
  if (options.tokenStdin === true && lines[0] === undefined)
    throw new CliError('Standard input holds no token', 'Give it there: `slipway connect ... --token-stdin < tokens`');
  const given: readonly (readonly [string, string | undefined])[] = [
    ...[url, ...tokens, ...others].map((name) => [name, process.env[name]] as const),
    [url, options.url],
    ...others.filter((name) => name.endsWith('_EMAIL')).map((name) => [name, options.email] as const),
    [token, lines[0]],
    [cloneToken, lines[1]],
  ];
  return Object.fromEntries(
    given.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value] as const])),
  );
}

async function linesOfInput(): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() !== '') lines.push(line.trim());
    if (lines.length === 2) break;
  }
  return lines;
}

function variablesInWords(): string {
  const rows = connectable.map((provider) => {
    const { url, tokens, others } = connectVariables(provider);
    return `  ${provider.padEnd(10)} ${[...tokens, ...others, url].join(', ')}`;
  });
  return `Address and tokens are read from these variables of the environment, where they are set:\n${rows.join('\n')}`;
}

async function show(
  news: AsyncIterable<News>,
  options: ServerOptions & { readonly dryRun?: boolean },
  command: 'connect' | 'disconnect',
): Promise<void> {
  const output = outputOf(options);
  const steps: Step[] = [];
  for await (const each of news) {
    if ('error' in each) throw new CliError(each.error, each.fix);
    if ('did' in each) steps.push(each);
    if (output.json) process.stdout.write(`${JSON.stringify(each)}\n`);
    else output.line('did' in each ? lineOf(each, output, options.dryRun === true) : printable(each.note));
  }
  const refused = steps.filter(({ did }) => did === 'refused').length;
  if (!output.json) for (const line of summary(steps, command, options.dryRun === true)) output.line(line);
  if (refused > 0) process.exitCode = 1;
}

const done = {
  made: 'made',
  repaired: 'repaired',
  removed: 'removed',
  nothing: 'as it should be',
  refused: 'left as it is',
};
const wouldBe = { ...done, made: 'would be made', repaired: 'would be repaired', removed: 'would be removed' };

function lineOf({ path, did, because }: Step, { paint }: Output, isDryRun: boolean): string {
  const sign = did === 'refused' ? paint('red', '✗') : did === 'nothing' ? paint('gray', '·') : paint('green', '✓');
  const words = (isDryRun ? wouldBe : done)[did];
  const why = because.length === 0 ? '' : `: it ${because.map(printable).join(', ')}`;
  return `${sign} ${printable(path).padEnd(32)} webhook ${words}${why}`;
}

function summary(steps: readonly Step[], command: 'connect' | 'disconnect', isDryRun: boolean): readonly string[] {
  const words = isDryRun ? wouldBe : done;
  const counts = (['made', 'repaired', 'removed', 'nothing', 'refused'] as const)
    .map((did) => ({ did, count: steps.filter((step) => step.did === did).length }))
    .filter(({ count }) => count > 0)
    .map(({ did, count }) => `${count} ${words[did]}`);
  const line = counts.length === 0 ? 'There was nothing to do' : counts.join(', ');
  if (command === 'disconnect' || isDryRun) return ['', line];
  return ['', line, 'Repositories that come later are found by themselves; `slipway doctor` says how all of it does'];
}
