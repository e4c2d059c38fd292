# Sourced by up.sh and down.sh: where the ground keeps its state, and how its processes are found.

state=${FLOTILLA_GROUND_STATE:-${TMPDIR:-/tmp}/flotilla-ground}
# Words that only the processes started here have among their arguments.
dockerd_mark=--pidfile=$state/dockerd.pid
emulator_mark=--pid=$state/emulator.pid

# Print the process that has this word among its arguments. Looking for what a process is, and not
# for a number once noted, survives a reused number and a state folder that was swept away.
pid_of() {
  local folder word
  local -a words
  for folder in /proc/[0-9]*; do
    words=()
    { mapfile -d '' -t words <"$folder/cmdline"; } 2>/dev/null || continue
    for word in "${words[@]+"${words[@]}"}"; do
      [ "$word" = "$1" ] || continue
      echo "${folder#/proc/}"
      return 0
    done
  done
  return 1
}

# End the process that has this word among its arguments, and wait until it is gone.
end() {
  local pid tries
  pid=$(pid_of "$1") || return 0
  kill "$pid" 2>/dev/null
  for ((tries = 0; tries < 150; tries++)); do
    [ "$(pid_of "$1")" = "$pid" ] || return 0
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null
}
