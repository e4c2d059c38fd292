#!/usr/bin/env bash
# End what up.sh started: the emulator, and the daemon if it was up.sh that started it. The images,
# the emulator's environment and Debian's packages stay, so that the next up.sh is quick.
set -u
. "$(dirname "$0")/processes.sh"

end "$emulator_mark"
# it removes its tasks' containers as it ends, unless it was killed
docker ps -aq --filter "label=flotilla.ground=$state" 2>/dev/null \
  | xargs -r docker rm -f >/dev/null 2>&1
[ ! -e "$state/task_address" ] || ip address del 169.254.170.2/32 dev lo 2>/dev/null
rm -f "$state/task_address"
end "$dockerd_mark"
