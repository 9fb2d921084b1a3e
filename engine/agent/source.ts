import { spawn } from 'node:child_process';
import type { SourceAccess } from '../ports/attempt-host.ts';

const fetchTries = 4;
const firstRetryMs = 500;
const timeoutMs = 10 * 60_000;
const maxErrorChars = 2_000;

/** The source could not be fetched. The message holds no credential: git never sees one in a URL. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}

/** Puts the source at exactly one commit into a folder, without history. */
export async function fetchSource(folder: string, source: SourceAccess): Promise<void> {
  const environment = gitEnvironment(source);
  await git(['init', '--quiet', folder], environment);
  for (let tries = 1; ; tries += 1) {
    try {
      await git(['-C', folder, 'fetch', '--quiet', '--no-tags', '--depth=1', source.url, source.sha], environment);
      break;
    } catch (error) {
      if (tries >= fetchTries) throw error;
      await new Promise((resolve) => setTimeout(resolve, firstRetryMs * 2 ** tries));
    }
  }
  await git(['-C', folder, 'checkout', '--quiet', '--detach', source.sha], environment);
}

/** The credential reaches git through a helper that reads the environment: it stands in no argument, URL or file. */
function gitEnvironment({ url, credential }: SourceAccess): NodeJS.ProcessEnv {
  const settings: [string, string][] = [
    ['safe.directory', '*'],
    ['advice.detachedHead', 'false'],
    ['protocol.allow', 'never'],
    // A connection on which nothing moves is given up, and tried again.
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', '60'],
    [
      url.startsWith('file://')
        ? 'protocol.file.allow'
        : url.startsWith('http://')
          ? 'protocol.http.allow'
          : 'protocol.https.allow',
      'always',
    ],
    ['credential.helper', ''],
    [
      'credential.helper',
      '!f() { test "$1" = get && echo "username=$SOURCE_USERNAME" && echo "password=$SOURCE_PASSWORD"; }; f',
    ],
  ];
  return {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    LANG: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    // Where stages reach listed names alone, the proxy is the one way out for their source too.
    http_proxy: process.env['http_proxy'],
    https_proxy: process.env['https_proxy'],
    no_proxy: process.env['no_proxy'],
    SOURCE_USERNAME: credential?.username,
    SOURCE_PASSWORD: credential?.password,
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}

async function git(words: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn('git', [...words], { env, stdio: ['ignore', 'ignore', 'pipe'], timeout: timeoutMs });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-maxErrorChars);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (cause) => reject(new SourceError('git cannot be started: is it installed?', { cause })));
    child.once('close', resolve);
  });
  if (code !== 0)
    throw new SourceError(`git ${words.find((word) => /^[a-z]+$/.test(word)) ?? ''} failed: ${said.trim()}`);
}
