/** A problem to show to the user of the command line: a line, a way out, no stack trace. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly fix: string;
  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}
