#!/usr/bin/env bash
# The ground that tests with containers stand on: Docker, two images, an emulator of AWS.
#   eval "$(bash tests/ground/up.sh)"
# Adds only what is missing, so that it can be called at any time. What answers already is used as
# it is, whoever started it; but an emulator that this started from older files is started anew.
# Prints an export line for all there is on stdout, anything else on stderr. Exit code 3: something
# cannot be had here, and the last line on stderr says why.
# FLOTILLA_GROUND_STATE is its folder, FLOTILLA_GROUND_PORT the emulator's port.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/processes.sh"
# not 4566, where a developer may run an emulator of their own with their own things in it
port=${FLOTILLA_GROUND_PORT:-14566}
base=flotilla-base
no_python=flotilla-no-python
emulator="ministack==1.5.33" # emulator/ reaches into this release and refuses another
code=$(cat "$here"/emulator/*.py | sha256sum | cut -c 1-12)
# where containers on Fargate ask for their keys; no SDK takes them from anywhere else
task_address=169.254.170.2
venv=$state/venv

reason=
say() { echo "$*" >&2; }
have() { command -v "$1" >/dev/null; }
# Note why something cannot be had; the first why is told at the end.
cannot() {
  reason=${reason:-$*}
  return 1
}
last_line() { tail -n 1 "$1" 2>/dev/null; }

[ "$(uname)" = Linux ] || { say "no ground for containers: this is not Linux"; exit 3; }
# Programs are started from this folder: it must be nobody else's.
mkdir -p -m 700 "$state" 2>/dev/null
if [ ! -O "$state" ] || [ -L "$state" ]; then
  say "no ground for containers: $state is not ours; set FLOTILLA_GROUND_STATE"
  exit 3
fi
# One at a time: test processes may call this together. Daemons must not inherit the lock (9>&-).
exec 9>"$state/lock"
flock 9

# --- Docker ----------------------------------------------------------------------------------
docker_answers() { have docker && timeout 20 docker version >/dev/null 2>&1; }

install() {
  local apt=(apt-get -qq -y -o "DPkg::Lock::Timeout=120")
  export DEBIAN_FRONTEND=noninteractive
  # the lists may be missing or old; they are fetched when the first try says so
  "${apt[@]}" install --no-install-recommends "$@" >"$state/apt.log" 2>&1 9>&- \
    || { "${apt[@]}" update; "${apt[@]}" install --no-install-recommends "$@"; } \
      >"$state/apt.log" 2>&1 9>&- \
    || cannot "no Docker: apt-get install $*: $(last_line "$state/apt.log")"
}

start_dockerd() {
  local log=$state/dockerd.log tries
  say "starting dockerd"
  setsid dockerd "$dockerd_mark" >"$log" 2>&1 </dev/null 9>&- &
  for ((tries = 0; tries < 300; tries++)); do
    docker_answers && return 0
    kill -0 $! 2>/dev/null || break
    sleep 0.2
  done
  cannot "no Docker: dockerd does not start: $(last_line "$log")"
}

docker_up() {
  docker_answers && return 0
  [ -z "${DOCKER_HOST:-}" ] || cannot "no Docker: nothing answers at $DOCKER_HOST" || return 1
  [ "$(id -u)" = 0 ] || cannot "no Docker: not root, and no daemon answers" || return 1
  if ! have dockerd; then
    have apt-get || cannot "no Docker: no dockerd, and no apt-get to install it" || return 1
    say "installing docker.io"
    install docker.io iptables iproute2 || return 1
  fi
  # a package of its own from Debian 13 on
  have docker || install docker-cli || return 1
  docker_answers || start_dockerd # installing may have started it
}

# --- images ----------------------------------------------------------------------------------
image_up() {
  local name=$1 made recipe
  shift
  recipe=$(sha256sum <"$here/base_image.sh" | cut -c 1-12)
  # an image without our label is somebody's own and stays
  if made=$(docker image inspect --format \
    '{{with .Config.Labels}}{{index . "flotilla.recipe"}}{{end}}' "$name" 2>/dev/null); then
    case "$made" in "" | "$recipe") return 0 ;; esac
  fi
  have apt-get \
    || cannot "no image $name: no apt-get to make it; tag one with that name" || return 1
  say "making $name"
  bash "$here/base_image.sh" "$name" "$@" >"$state/$name.log" 2>&1 9>&- && return 0
  # the lists may be missing or old
  [ "$(id -u)" != 0 ] || apt-get -qq update >/dev/null 2>&1 9>&-
  bash "$here/base_image.sh" "$name" "$@" >"$state/$name.log" 2>&1 9>&- \
    || cannot "no image $name: $(last_line "$state/$name.log")"
}

# --- the emulator ----------------------------------------------------------------------------
emulator_installed() { [ "$(cat "$venv/.stamp" 2>/dev/null)" = "$emulator" ]; }

# Runs beside apt: what it says is in its log only.
install_emulator() {
  say "installing $emulator"
  end "$emulator_mark" # one that is running is another release, or its files were swept away
  rm -rf "$venv"
  # without the Docker client, with which it would remove other emulators' containers as it starts
  "${PYTHON:-python3}" -m venv "$venv" \
    && "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$emulator" \
    && echo "$emulator" >"$venv/.stamp"
}

# Whether each address answers a path with these words in it: answers PATH WORDS ADDRESS…
answers() {
  local path=$1 words=$2 address
  shift 2
  for address in "$@"; do
    # no curl: a small Debian has none
    timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1" \
      && printf "GET %s HTTP/1.0\r\n\r\n" "$2" >&3 && grep -qa "$3" <&3' \
      "$address" "$port" "$path" "$words" 2>/dev/null 9>&- || return 1
  done
}
emulator_answers() { answers /_ministack/health 200 "$@"; }
# ... and is made of the files that are here now
is_current() { answers /_flotilla/ground "\"stamp\": \"$code\"" "$@"; }

# Give this machine the address, on its own: Docker never looks at what lo has. Not root: keys go
# into containers as variables, and the emulator's log says so.
task_address_up() {
  ip -4 address show dev lo | grep -q " $task_address/" && return 0
  ip address add "$task_address/32" dev lo 2>/dev/null && touch "$state/task_address"
}

start_emulator() {
  local log=$state/emulator.log address tries
  local -a arguments=(--endpoint "http://${gateway:-127.0.0.1}:$port" --stamp "$code")
  for address in "$@"; do arguments+=(--bind "$address:$port"); done
  if [ -n "$gateway" ]; then
    task_address_up
    arguments+=(--docker "$docker_host" --label "flotilla.ground=$state")
  fi
  say "starting the emulator of AWS"
  # Nothing of whoever starts it; no listeners but these; one process, so that ending it ends all.
  (cd "$state" && exec env -i PATH="$PATH" HOME="$state" GATEWAY_PORT="$port" LOG_LEVEL=WARNING \
    AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test IOT_MTLS_ENABLED=0 SFTP_ENABLED=0 \
    PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1 \
    setsid "$venv/bin/python" -m emulator "$emulator_mark" "${arguments[@]}") \
    >"$log" 2>&1 </dev/null 9>&- &
  for ((tries = 0; tries < 300; tries++)); do
    is_current "$@" && return 0
    kill -0 $! 2>/dev/null || break
    sleep 0.1
  done
  cannot "no emulator of AWS: it does not start at port $port: $(last_line "$log")"
}

emulator_up() {
  is_current "$@" && return 0
  if emulator_answers "$@" && ! pid_of "$emulator_mark" >/dev/null; then
    # somebody else's: as good as ours for all but tasks
    gateway_of_ecs=
    cannot "no ECS: an emulator that is not ours answers at port $port; set FLOTILLA_GROUND_PORT"
    return 0
  fi
  end "$emulator_mark" # it listens at another address or port, or is made of older files
  emulator_installed || cannot "no emulator of AWS: $(last_line "$state/pip.log")" || return 1
  start_emulator "$@"
}

# --- all of it -------------------------------------------------------------------------------
installing=
if ! emulator_installed && { pid_of "$emulator_mark" >/dev/null || ! emulator_answers 127.0.0.1; }
then
  install_emulator >"$state/pip.log" 2>&1 9>&- &
  installing=$!
fi
gateway=
if docker_up; then
  # not from "docker network inspect": some releases do not know it
  gateway=$(ip -4 -o address show docker0 2>/dev/null \
    | sed -n 's/.* inet \([0-9.]*\)\/.*/\1/p' | grep -v '^169\.254\.' | head -n 1)
  [ -n "$gateway" ] || cannot "no address that containers share with this machine: no docker0"
  # Docker's Python package does not read the command's context
  docker_host=$(docker context inspect --format '{{.Endpoints.docker.Host}}')
  echo "export DOCKER_HOST=$docker_host"
  image_up "$base" && echo "export FLOTILLA_BASE_IMAGE=$base"
  image_up "$no_python" --no-python && echo "export FLOTILLA_NO_PYTHON_IMAGE=$no_python"
fi
[ -z "$installing" ] || wait "$installing"
gateway_of_ecs=$gateway
# loopback for tests, the bridge's own address for containers; nothing that the network can reach
if emulator_up 127.0.0.1 ${gateway:+"$gateway"}; then
  echo "export AWS_ENDPOINT_URL=http://${gateway:-127.0.0.1}:$port AWS_EC2_METADATA_DISABLED=true"
  echo "export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test"
  echo "export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1"
  [ -z "$gateway_of_ecs" ] || echo "export FLOTILLA_ECS_ENDPOINT=http://$gateway_of_ecs:$port"
fi
[ -z "$reason" ] || { say "$reason"; exit 3; }
