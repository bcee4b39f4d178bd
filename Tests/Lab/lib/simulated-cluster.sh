# The demo's cluster where real hosts cannot be had: workers with the `dummy` hypervisor, simulated guests in memory.
# Processes of this machine, a broker on 127.0.0.1; they share a folder, which stands for the network between the hosts.
# shellcheck shell=bash

pids=()

migfra() { MIGFRA_BROKER=127.0.0.1:$port timeout --foreground 90 "$programs/migfra" "$@"; }

background() { # LOG COMMAND...
  local log=$1
  shift
  "$@" >"$folder/$log" 2>&1 &
  pids+=($!)
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

begin_cluster() {
  local k
  programs=$("$LAB/lab" programs) || exit 1
  command -v mosquitto mosquitto_pub mosquitto_sub >/dev/null || give_up "mosquitto is not installed: make setup"
  folder=$(mktemp -d)
  for ((port = 20000 + RANDOM % 20000; ; port++)); do answers || break; done
  printf 'listener %s 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n' "$port" >"$folder/mosquitto.conf"
  background broker.log mosquitto -c "$folder/mosquitto.conf"
  for ((k = 0; k < 100; k++)); do answers && break || sleep 0.05; done
  answers || give_up "The broker does not answer: $(tail -n 3 "$folder/broker.log")"
  configuration migfra-coordinator coordinator >"$folder/coordinator.yaml"
  background coordinator.log "$programs/migfra-coordinator" --config "$folder/coordinator.yaml"
  mkdir -p "$folder/cluster"
  for ((k = 1; k <= HOSTS; k++)); do
    worker_configuration "$k" >"$folder/node$k.yaml"
    background "node$k.log" "$programs/migfra-worker" --config "$folder/node$k.yaml"
  done
  for ((k = 0; k < 200; k++)); do
    [ "$(migfra hosts --json 2>/dev/null | grep -cE '"online" *: *true|: *"online"')" -ge "$HOSTS" ] && break
    sleep 0.1
  done
  say "node1 to node$HOSTS: SIMULATED hosts, each a worker with a dummy hypervisor"
}

configuration() { # CLIENT-ID NAME
  mkdir -p "$folder/state-$2"
  cat <<END
communicator:
  type: mqtt
  id: $1
  host: 127.0.0.1
  port: $port
  keepalive: 10
state-directory: $folder/state-$2
END
}

worker_configuration() { # NUMBER
  configuration "fast-migfra-node$1" "node$1"
  cat <<END
host: node$1
hypervisor:
  type: dummy
  cluster-directory: $folder/cluster
capacity:
  memory: $((4 * 1024 * 1024))
  cpus: 32
limits:
  progress-interval: 0.5
END
}

begin_guests() {
  local k sizes=(64 80 96 112 128) task=$folder/start.yaml
  printf 'task: start vm\nid: demo-start\nvm-configurations:\n' >"$task"
  for ((k = 1; k <= VMS; k++)); do
    printf '  - xml: |\n' >>"$task"
    "$LAB/lab" xml "vm$k" mem="${sizes[k % 5]}" | sed 's/^/      /' >>"$task"
  done
  mosquitto_sub -p "$port" -t fast/migfra/node1/result -C 1 -W 20 >"$folder/started.yaml" &
  local answer=$!
  sleep 0.3 # mosquitto_sub does not say when it has subscribed
  mosquitto_pub -p "$port" -t fast/migfra/node1/task -q 1 -f "$task"
  wait "$answer" || give_up "node1's worker did not answer: $(tail -n 5 "$folder/node1.log")"
  grep -q 'status: error' "$folder/started.yaml" && give_up "Not all guests started: $(cat "$folder/started.yaml")"
  say "all were started by one task on node1's topic"
}

begin_watch() { say "(simulated guests have no clock that could be asked)"; }

# A simulated guest is a file in its host's folder.
check_cluster() {
  local k where
  for ((k = 1; k <= VMS; k++)); do
    where=$(cd "$folder/cluster" && ls -d node*/"vm$k".*)
    [[ $where != node1/* && $(wc -l <<<"$where") = 1 ]] || complain "vm$k is at: ${where:-nowhere}"
  done
}

end_cluster() {
  [ ${#pids[@]} -eq 0 ] || { kill "${pids[@]}" && wait "${pids[@]}"; } 2>/dev/null
  [ -z "${folder:-}" ] || rm -rf "$folder"
}
