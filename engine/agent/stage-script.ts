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
  /** Its first line becomes their exit code once they ended, and a word where they ran out of memory. */
  exit: 'exit',
  /** Written again and again while the stage's container lives. */
  beat: 'beat',
} as const;

export const outOfMemoryWord = 'oom';
const stopGraceSeconds = 10;
/** Between two beats; ten times as long where the image's `sleep` knows whole seconds only. */
const beatMs = 2_000;

/**
 * What the stage's container runs: it waits for the agent, runs the commands, and stops them when told to. Only `sh`,
 * `sleep` and `kill` are asked of the image; `setsid`, where there is one, lets a stop reach the commands' children too.
 * What is left of them ends with the container.
 */
export const stageContainerScript = `
c=$SLIPWAY_CONTROL
# How often the kernel killed something here for want of memory. It kills what is largest, mostly a child of the
# commands, so that all there is to see of it otherwise is an exit code like any other.
killed() {
  for file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
    if [ -r $file ]; then
      while read -r key value; do if [ "$key" = oom_kill ]; then echo "$value"; fi; done <$file
    fi
  done
}
trap 'true >"$c/${control.stop}"' TERM
while [ ! -e "$c/${control.start}" ]; do
  if [ -e "$c/${control.leave}" ] || [ -e "$c/${control.stop}" ]; then exit 0; fi
  sleep 0.02 2>/dev/null || sleep 1
done
killedBefore=$(killed)
# The exit code is written over this, in place: that works on a full disk too.
echo running >"$c/${control.exit}"
cd "$SLIPWAY_WORKSPACE" || exit 1
if command -v setsid >/dev/null 2>&1; then
  setsid sh "$c/${control.start}" >>"$c/${control.output}" 2>&1 </dev/null &
else
  sh "$c/${control.start}" >>"$c/${control.output}" 2>&1 </dev/null &
fi
commands=$!
(
  trap - TERM
  beat=0
  while [ ! -e "$c/${control.stop}" ]; do
    if [ $beat = 0 ]; then true 2>/dev/null >"$c/${control.beat}"; fi
    beat=$(((beat + 1) % ${beatMs / 200}))
    sleep 0.2 2>/dev/null || sleep 1
  done
  kill -TERM -$commands 2>/dev/null || kill -TERM $commands
  sleep ${stopGraceSeconds}
  kill -KILL -$commands 2>/dev/null || kill -KILL $commands
) >/dev/null 2>&1 &
watcher=$!
# A signal to this shell ends the wait, not the commands.
while :; do
  wait $commands
  code=$?
  kill -0 $commands 2>/dev/null || break
done
kill $watcher 2>/dev/null
word=
if [ "$code" != 0 ] && [ "$(killed)" != "$killedBefore" ]; then word=" ${outOfMemoryWord}"; fi
echo "$code$word" 1<>"$c/${control.exit}"
exit "$code"
`.trim();

/** The commands as one script: each line is shown before it runs, and the first that fails ends it. */
export function commandScript(commands: readonly string[], environment: Readonly<Record<string, string>>): string {
  const variables = Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(value)}`);
  const lines = commands.flatMap((command) => [`echo ${quoted(`$ ${command}`)}`, command]);
  return ['set -e', ...variables, ...lines, ''].join('\n');
}

/** For sh: everything inside single quotes is literal. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
