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
  transport: tcp
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
  mkdir -p "$STATE/ctl"/{broker,migfra}
  broker_configuration >"$STATE/ctl/mosquitto.conf"
  coordinator_configuration >"$STATE/ctl/migfra.yaml"
  service ctl mosquitto -c "$STATE/ctl/mosquitto.conf"
  wait_until 10 broker_answers || die "the broker does not answer: $(tail -n 5 "$STATE/ctl/mosquitto.log")"
  service ctl "$folder/migfra-coordinator" --config "$STATE/ctl/migfra.yaml"
  for node in $(nodes) $(vnodes); do
    mkdir -p "$STATE/$node/migfra"
    worker_configuration "$node" >"$STATE/$node/migfra.yaml"
    service "$node" "$folder/migfra-worker" --config "$STATE/$node/migfra.yaml"
    count=$((count + 1))
  done
  if ! wait_until 60 all_online "$folder" "$count"; then
    tail -n 15 "$STATE"/ctl/{mosquitto,migfra-coordinator}.log "$STATE"/*node*/migfra-worker.log >&2
    ask "$folder" hosts >&2
    die "only $(hosts_online "$folder") of $count hosts are online after 60 s; the logs are above"
  fi
}
