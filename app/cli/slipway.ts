import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { systemErrorCode } from '../../engine/system-error.ts';
import { reportOf } from '../error-report.ts';
import { approveCommand } from './approve.ts';
import { auditCommand } from './audit.ts';
import { cancelCommand } from './cancel.ts';
import { CliError } from './cli-error.ts';
import { connectCommand, disconnectCommand } from './connect.ts';
import { doctorCommand } from './doctor.ts';
import { egressProxyCommand } from './egress-proxy.ts';
import { embeddedCommand } from './embedded.ts';
import { initCommand } from './init.ts';
import { labelsCommand } from './labels.ts';
import { logsCommand } from './logs.ts';
import { openCommand } from './open.ts';
import { rebuildCommand } from './rebuild.ts';
import { retryCommand } from './retry.ts';
import { rollbackCommand } from './rollback.ts';
import { runCommand } from './run.ts';
import { runsCommand } from './runs.ts';
import { setupCommand } from './setup.ts';
import { showCommand } from './show.ts';
import { startCommand } from './start.ts';
import { validateCommand } from './validate.ts';
import { whyCommand } from './why.ts';

const program = new Command('slipway')
  .description('Delivery that lives in pull requests')
  .version(packageVersion(), '-v, --version')
  .showHelpAfterError('See `slipway help`')
  .addCommand(startCommand())
  .addCommand(setupCommand())
  .addCommand(connectCommand())
  .addCommand(disconnectCommand())
  .addCommand(labelsCommand())
  .addCommand(doctorCommand())
  .addCommand(runCommand())
  .addCommand(validateCommand())
  .addCommand(initCommand())
  .addCommand(runsCommand())
  .addCommand(showCommand())
  .addCommand(logsCommand())
  .addCommand(openCommand())
  .addCommand(whyCommand())
  .addCommand(cancelCommand())
  .addCommand(retryCommand())
  .addCommand(rollbackCommand())
  .addCommand(approveCommand('approve'))
  .addCommand(approveCommand('reject'))
  .addCommand(auditCommand())
  .addCommand(egressProxyCommand())
  .addCommand(rebuildCommand())
  .addCommand(embeddedCommand());

// A pipe that its reader closed early (`slipway logs ... | head`) is no error.
process.stdout.on('error', (error: unknown) => {
  if (systemErrorCode(error) === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode);
  const { message, fix } = error instanceof CliError ? error : reportOf(error);
  // A program that asked for JSON gets its errors so too.
  if (process.argv.includes('--json')) process.stderr.write(`${JSON.stringify({ error: message, fix: fix ?? '' })}\n`);
  else process.stderr.write(`slipway: ${message}\n${fix === undefined || fix === '' ? '' : `  ${fix}\n`}`);
  // What was begun before the fault (a listening socket, a timer) must not keep a failed command alive.
  process.exit(1);
}

/** Stands in the package's own file, beside the compiled program's folder as beside the source's. */
function packageVersion(): string {
  const places = ['../../package.json', '../../../package.json'].map((path) => join(import.meta.dirname, path));
  const file = places.find((path) => existsSync(path));
  if (file === undefined) throw new CliError('package.json of Slipway is missing', 'Install Slipway again');
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8'))).version;
}
