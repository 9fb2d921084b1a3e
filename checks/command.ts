import { proseLines } from './prose.ts';

/** What a person asks for in a pull request. */
export type Command =
  | { readonly name: 'help' }
  | { readonly name: 'status' }
  | { readonly name: 'cancel' }
  | { readonly name: 'why'; readonly stage?: string }
  | { readonly name: 'test'; readonly stage?: string }
  | { readonly name: 'retry'; readonly stage?: string }
  | { readonly name: 'ok-to-test'; readonly sha?: string }
  | { readonly name: 'approve'; readonly environment?: string }
  | { readonly name: 'reject'; readonly reason: string }
  /** `revision` as written: `12`, or `staging@12`. */
  | { readonly name: 'deploy' | 'rollback'; readonly environment?: string; readonly revision?: string }
  | { readonly name: 'confirm' }
  | { readonly name: 'revert'; readonly environment?: string }
  | { readonly name: 'hotfix' | 'hold'; readonly reason: string }
  | { readonly name: 'unhold' }
  | { readonly name: 'lock'; readonly environment?: string; readonly reason: string }
  | { readonly name: 'unlock'; readonly environment?: string };

/** A line that looks like a command of ours and is none. */
export interface UnknownCommand {
  readonly name: 'unknown';
  readonly text: string;
}

/** Every command, for `/help` and for the words about an unknown one. */
export const commandHelp: readonly { readonly usage: string; readonly who: string; readonly what: string }[] = [
  { usage: '/help', who: 'anyone', what: 'shows this list' },
  { usage: '/status', who: 'anyone', what: 'tells where the run of this head stands' },
  { usage: '/why [stage]', who: 'anyone', what: 'tells what a stage waits for, or why it did not pass' },
  { usage: '/test [stage]', who: 'write', what: 'runs what failed, or the named stage, once more' },
  { usage: '/retry [stage]', who: 'write', what: 'the same as `/test`' },
  { usage: '/cancel', who: 'write', what: 'stops the run of this head' },
  { usage: '/ok-to-test <full sha>', who: 'write', what: 'lets the run of a fork go, for that head alone' },
  { usage: '/approve [environment]', who: 'approvers', what: 'consents to the deploy whose prompt stands here' },
  { usage: '/reject [reason]', who: 'approvers', what: 'stops the deploy whose prompt stands here' },
  { usage: '/deploy <environment> [revision]', who: 'deployers', what: 'deploys a revision that is known' },
  {
    usage: '/rollback [environment] [revision]',
    who: 'deployers',
    what: 'goes back to a revision that was live; without one, lists them and asks',
  },
  { usage: '/confirm', who: 'deployers', what: 'does what was asked for last, as a 👍 on it does' },
  {
    usage: '/revert [environment]',
    who: 'write',
    what: 'opens a pull request that makes the default branch hold what the environment runs',
  },
  { usage: '/hotfix <reason>', who: 'hotfix group', what: 'puts this head ahead of everything that waits' },
  { usage: '/hold [reason]', who: 'write', what: 'keeps this change from being deployed; `/unhold` ends it' },
  {
    usage: '/lock <environment> [reason]',
    who: 'deployers',
    what: 'keeps everything from being deployed there; `/unlock <environment>` ends it',
  },
];

const maxCommands = 5;
const maxBodyChars = 65_536;
const maxWordChars = 100;
const maxReasonChars = 300;
const known = new Set(
  'help status why test retry cancel ok-to-test approve reject deploy rollback confirm revert hotfix hold unhold lock unlock'.split(
    ' ',
  ),
);

/**
 * The commands of a comment: at the start of a line, outside code, quotes and HTML comments. At most five count.
 * `/slipway <command>` is understood everywhere; `/<command>` where the host does not take such lines for itself.
 */
export function parseCommands(
  body: string,
  host: { readonly slashCommandsTaken: boolean },
): readonly (Command | UnknownCommand)[] {
  const commands: (Command | UnknownCommand)[] = [];
  for (const line of proseLines(body.slice(0, maxBodyChars))) {
    const [, prefix, rest] = /^\/(slipway(?=\s|$))?\s*(.*)$/.exec(line) ?? [];
    if (rest === undefined || (prefix === undefined && host.slashCommandsTaken)) continue;
    const [name = '', ...words] = rest.split(/\s+/).filter((word) => word !== '');
    // A line such as `/usr/bin` is talk; after `/slipway` there is no doubt that we are meant.
    if (prefix === undefined && !known.has(name)) continue;
    commands.push(commandOf(name, words));
    if (commands.length === maxCommands) break;
  }
  return commands;
}

function commandOf(name: string, words: readonly string[]): Command | UnknownCommand {
  const text = words.join(' ').slice(0, maxWordChars);
  const stage = text === '' ? {} : { stage: text };
  const reasonFrom = (index: number) => words.slice(index).join(' ').slice(0, maxReasonChars);
  const word = words[0]?.slice(0, maxWordChars);
  const environment = word === undefined ? {} : { environment: word };
  switch (name) {
    case 'help':
    case 'status':
    case 'cancel':
      return { name };
    case 'why':
    case 'test':
    case 'retry':
      return { name, ...stage };
    case 'ok-to-test':
      return { name, ...(text === '' ? {} : { sha: text }) };
    case 'approve':
    case 'revert':
    case 'unlock':
      return { name, ...environment };
    case 'lock':
      return { name, ...environment, reason: reasonFrom(1) };
    case 'reject':
    case 'hotfix':
    case 'hold':
      return { name, reason: reasonFrom(0) };
    case 'confirm':
    case 'unhold':
      return { name };
    case 'deploy':
    case 'rollback':
      return { name, ...environment, ...(words[1] === undefined ? {} : { revision: words[1].slice(0, maxWordChars) }) };
    case '':
      return { name: 'help' };
    default:
      return { name: 'unknown', text: name.slice(0, maxWordChars) };
  }
}
