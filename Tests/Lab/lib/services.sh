# The programs under test: a broker and the coordinator on ctl, a worker on every node.
# shellcheck shell=bash

BROKER_PORT=1883

lab_programs() {
  local folder
  for folder in "${MIGFRA_BIN:-}" "$REPOSITORY/.build/release" "$REPOSITORY/.build/debug"; do
    [ -n "$folder" ] && [ -x "$folder/migfra-worker" ] && readlink -f "$folder" && return
  done
  die "migfra-worker is not built: run \`make build\`, or set MIGFRA_BIN to its folder"
}

# The broker of a real cluster, but open and without keys, with its store in this lab, saved after every change, so that a killed broker
# loses nothing that a test waits for, and without a limit on messages, so that our programs' own limits are seen.
broker_configuration() {
  local ours='listener|per_listener_settings|allow_anonymous|acl_file|(ca|cert|key|crl)file|require_certificate|use_'
  ours+='|persistence_location|autosave_|message_size_limit|log_dest|user'
  grep -vE "^($ours|#|$)" "$REPOSITORY/docker/mosquitto/mosquitto.conf"
  cat <<END
listener $BROKER_PORT $(address_of ctl)
allow_anonymous true
persistence_location $STATE/ctl/broker/
autosave_interval 1
autosave_on_changes true
log_dest stderr
user root
END
}

# All nodes are this one machine, so each is told to offer as much as a small real host would.
worker_configuration() { # NODE
  local links
  read -ra links <<<"${LAB_LINKS:-}"
  local link=${links[${1#*node} - 1]:-}
  cat <<END
communicator:
  type: mqtt
  id: fast-migfra-<hostname>
  subscribe-topic: fast/migfra/<hostname>/task
  publish-topic: fast/migfra/<hostname>/result
  host: ctl
  port: $BROKER_PORT
  keepalive: 10
hypervisor:
  type: libvirt
  driver: qemu
  transport: $([ "${LAB_TLS:-0}" = 0 ] && echo tcp || echo tls)
  migration-tls: $([ "${LAB_TLS:-0}" = 0 ] && echo false || echo true)
  uri: qemu:///system
  shared-directory: $STATE/shared
pscom-handler:
  request-topic: fast/pscom/<vm-name>/<process>/request
  response-topic: fast/pscom/<vm-name>/+/response
  qos: 1
  timeout: 5
capacity:
  memory: ${LAB_MEMORY:-$((4 * 1024 * 1024))}
  cpus: 32${link:+
  bandwidth: $link}
limits:
  progress-interval: 0.5
  outgoing-migrations: ${LAB_SLOTS:-4}
state-directory: $STATE/$1/migfra
log:
  level: info
END
}

coordinator_configuration() {
  cat <<END
communicator:
  type: mqtt
  id: migfra-coordinator
  host: ctl
  port: $BROKER_PORT
  keepalive: 10
state-directory: $STATE/ctl/migfra
limits:
  outgoing-migrations: 2
  incoming-migrations: 2
END
}

# service HOST PROGRAM ARGUMENT...: in the background, output in HOST/PROGRAM.log, pid in HOST/PROGRAM.pid.
service() {
  local host=$1 program=${2##*/}
  shift
  # shellcheck disable=SC2016 # expanded over there
  lab_spawn "$host" sh -c 'log=$0; exec "$@" >>"$log" 2>&1' "$STATE/$host/$program.log" "$@" \
    >"$STATE/$host/$program.pid"
}

programs_of() { # HOST
  if [ "$1" = ctl ]; then echo mosquitto migfra-coordinator; else echo migfra-worker; fi
}

start_program() { # HOST PROGRAM
  case $2 in
    mosquitto) service ctl mosquitto -c "$STATE/ctl/mosquitto.conf" ;;
    *) service "$1" "$(lab_programs)/$2" --config "$STATE/$1/migfra.yaml" ;;
  esac
}

# Its number may belong to another process by now.
program_runs() { # HOST PROGRAM
  # shellcheck disable=SC2016 # expanded over there
  on "$1" sh -c 'pid=$(cat "$0") && grep -aq "$1" "/proc/$pid/cmdline"' "$STATE/$1/$2.pid" "$2" 2>/dev/null
}

lab_tend() {
  local host program
  for host in ctl $(nodes) $(vnodes); do
    is_running "$host" || continue
    if [ "$host" != ctl ] && ! libvirtd_pid "$host" >/dev/null; then
      echo "$host libvirtd"
      libvirtd_start "$host"
    fi
    for program in $(programs_of "$host"); do
      # What was never started is not tended.
      [ -e "$STATE/$host/$program.pid" ] && ! program_runs "$host" "$program" || continue
      echo "$host $program"
      start_program "$host" "$program"
    done
  done
}

lab_kill() {
  local pid_file=$STATE/$1/${2:?kill HOST NAME}.pid
  [ -e "$pid_file" ] || pid_file=/run/libvirt/qemu/$2.pid
  # shellcheck disable=SC2016 # expanded over there
  on "$1" sh -c 'pid=$(cat "$0") && kill -KILL "$pid"' "$pid_file"
}

lab_disk() {
  local folder=$STATE/$1/migfra
  on "$1" mountpoint -q "$folder" || die "$1: the journal has no disk of its own: set LAB_DISK for lab services"
  # shellcheck disable=SC2016 # expanded over there
  case ${2:-} in
    full) on "$1" sh -c '! dd if=/dev/zero of="$0/filler" bs=4k status=none 2>/dev/null' "$folder" ;;
    free) on "$1" rm -f "$folder/filler" ;;
    *) die "disk HOST full|free" ;;
  esac
}

state_folder() { # HOST
  mkdir -p "$STATE/$1/migfra"
  [ -n "${LAB_DISK:-}" ] && ! on "$1" mountpoint -q "$STATE/$1/migfra" || return 0
  on "$1" mount -t tmpfs -o "size=${LAB_DISK}m" tmpfs "$STATE/$1/migfra" || die "$1: no disk for the journal"
}

broker_answers() { net_of ctl bash -c "exec 3<>/dev/tcp/$(address_of ctl)/$BROKER_PORT" 2>/dev/null; }

# ask FOLDER ARGUMENT...: the command line, as an operator on ctl would use it.
ask() {
  local folder=$1
  shift
  on ctl env MIGFRA_BROKER="ctl:$BROKER_PORT" timeout 5 "$folder/migfra" "$@"
}

hosts_online() {
  ask "$1" hosts --json 2>/dev/null |
    grep -oE '"online" *: *true|: *"online"' | wc -l
}

all_online() { [ "$(hosts_online "$1")" -ge "$2" ]; }

lab_services() {
  local folder node count=0
  folder=$(lab_programs) || exit 1
  is_running ctl || die "the lab is not up: lab up"
  mkdir -p "$STATE/ctl/broker"
  state_folder ctl
  broker_configuration >"$STATE/ctl/mosquitto.conf"
  coordinator_configuration >"$STATE/ctl/migfra.yaml"
  start_program ctl mosquitto
  wait_until 10 broker_answers || die "the broker does not answer: $(tail -n 5 "$STATE/ctl/mosquitto.log")"
  start_program ctl migfra-coordinator
  for node in $(nodes) $(vnodes); do
    state_folder "$node"
    worker_configuration "$node" >"$STATE/$node/migfra.yaml"
    start_program "$node" migfra-worker
    count=$((count + 1))
  done
  if ! wait_until 60 all_online "$folder" "$count"; then
    tail -n 15 "$STATE"/ctl/{mosquitto,migfra-coordinator}.log "$STATE"/*node*/migfra-worker.log >&2
    ask "$folder" hosts >&2
    die "only $(hosts_online "$folder") of $count hosts are online after 60 s; the logs are above"
  fi
}
