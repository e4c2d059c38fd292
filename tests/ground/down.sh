#!/usr/bin/env bash
# End what up.sh started: the emulator, and the daemon if it was up.sh that started it. The images,
# the emulator's environment and Debian's packages stay, so that the next up.sh is quick.
set -u
. "$(dirname "$0")/processes.sh"

end "$emulator_mark"
end "$dockerd_mark"
