/** Files in the control folder, by which the agent and the stage's container talk. */
export const control = {
  /** The script to run; the commands start once it is there. */
  start: 'start',
  /** Nothing is to be run: leave. */
  leave: 'leave',
  /** Stop the commands. */
  stop: 'stop',
  /** All that the commands print. */
  output: 'output',
  /** Their exit code and a line feed, once they ended. */
  exit: 'exit',
} as const;

export const stopGraceSeconds = 10;

/**
 * What the stage's container runs: it waits for the agent, runs the commands, and stops them when told to. Only `sh`,
 * `sleep` and `kill` are asked of the image; `setsid`, where there is one, lets a stop reach the commands' children too.
 * What is left of them ends with the container.
 */
export const stageContainerScript = `
c=$SLIPWAY_CONTROL
while [ ! -e "$c/${control.start}" ]; do
  if [ -e "$c/${control.leave}" ]; then exit 0; fi
  sleep 0.02 2>/dev/null || sleep 1
done
cd "$SLIPWAY_WORKSPACE" || exit 1
if command -v setsid >/dev/null 2>&1; then
  setsid sh "$c/${control.start}" >>"$c/${control.output}" 2>&1 </dev/null &
else
  sh "$c/${control.start}" >>"$c/${control.output}" 2>&1 </dev/null &
fi
commands=$!
(
  while [ ! -e "$c/${control.stop}" ]; do sleep 0.2 2>/dev/null || sleep 1; done
  kill -TERM -$commands 2>/dev/null || kill -TERM $commands
  sleep ${stopGraceSeconds}
  kill -KILL -$commands 2>/dev/null || kill -KILL $commands
) >/dev/null 2>&1 &
watcher=$!
wait $commands
code=$?
kill $watcher 2>/dev/null
echo "$code" >"$c/${control.exit}"
exit "$code"
`.trim();

/** The commands as one script: each line is shown before it runs, and the first that fails ends it. */
export function commandScript(commands: readonly string[], environment: Readonly<Record<string, string>>): string {
  const variables = Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(value)}`);
  const lines = commands.flatMap((command) => [`echo ${quoted(`$ ${command}`)}`, command]);
  return ['set -e', ...variables, ...lines, ''].join('\n');
}

/** For sh: everything inside single quotes is literal. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
