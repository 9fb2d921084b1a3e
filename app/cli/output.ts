import type { Command } from 'commander';
import { Client, defaultDataDir } from './client.ts';
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
    line: (text) => void process.stdout.write(`${text}\n`),
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

/** Text of others (titles, log lines) without control characters, so that it cannot drive the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => (character === '\t' ? '  ' : ''));
}
