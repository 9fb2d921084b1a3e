import type { Command } from 'commander';
import { CliError } from './cli-error.ts';
import { Client, defaultDataDir } from './client.ts';
import { terminalText } from './log-text.ts';
import { type Paint, paintFor } from './run-view.ts';

/** Where a command's words go: JSON for programs, lines for people. */
export interface Output {
  readonly json: boolean;
  readonly paint: Paint;
  line(text: string): void;
  value(value: unknown): void;
}

export function outputOf(options: { readonly json?: boolean | undefined }): Output {
  return {
    json: options.json === true,
    paint: paintFor(process.stdout),
    line: (text) => void process.stdout.write(`${terminalText(text, process.stdout.isTTY === true)}\n`),
    value: (value) => void process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`),
  };
}

/** Options that every command has which asks a running Slipway. */
export function withServerOptions(command: Command): Command {
  return command
    .option('--json', 'print JSON')
    .option('--data <folder>', 'state folder of the Slipway to ask', defaultDataDir(process.env));
}

export interface ServerOptions {
  readonly json?: boolean;
  readonly data: string;
}

export function clientOf(options: ServerOptions): Promise<Client> {
  return Client.open(process.env, options.data);
}

/** What may stand for a run on the command line. @throws CliError */
export function runId(text: string): string {
  if (/^[a-z0-9]{1,40}$/.test(text)) return text;
  throw new CliError(`"${printable(text)}" is no id of a run`, 'See `slipway runs` for the ids');
}

/** Whole numbers that an option may have. @throws CliError */
export function wholeNumber(
  option: string,
  text: string,
  range: { readonly from: number; readonly to: number },
): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= range.from && value <= range.to) return value;
  throw new CliError(`${option} is "${printable(text)}"`, `Give a whole number from ${range.from} to ${range.to}`);
}

export const ports = { from: 0, to: 65_535 };

/** Text of others (titles, log lines) without control characters, so that it cannot drive the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => (character === '\t' ? '  ' : ''));
}
