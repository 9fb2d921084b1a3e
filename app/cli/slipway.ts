import { Command, CommanderError } from 'commander';
import { reportOf } from '../error-report.ts';
import { approveCommand } from './approve.ts';
import { auditCommand } from './audit.ts';
import { cancelCommand } from './cancel.ts';
import { CliError } from './client.ts';
import { embeddedCommand } from './embedded.ts';
import { initCommand } from './init.ts';
import { logsCommand } from './logs.ts';
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
  .showHelpAfterError('See `slipway help`')
  .addCommand(startCommand())
  .addCommand(setupCommand())
  .addCommand(runCommand())
  .addCommand(validateCommand())
  .addCommand(initCommand())
  .addCommand(runsCommand())
  .addCommand(showCommand())
  .addCommand(logsCommand())
  .addCommand(whyCommand())
  .addCommand(cancelCommand())
  .addCommand(retryCommand())
  .addCommand(rollbackCommand())
  .addCommand(approveCommand('approve'))
  .addCommand(approveCommand('reject'))
  .addCommand(auditCommand())
  .addCommand(embeddedCommand());

// A pipe that its reader closed early (`slipway logs ... | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode);
  const { message, fix } = error instanceof CliError ? error : reportOf(error);
  process.stderr.write(`slipway: ${message}\n${fix === undefined || fix === '' ? '' : `  ${fix}\n`}`);
  process.exitCode = 1;
}
