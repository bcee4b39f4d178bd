# The demo's cluster of real hosts with real guests.
# shellcheck shell=bash

lab() { "$LAB/lab" "$@"; }

migfra() { lab exec ctl env MIGFRA_BROKER=ctl:1883 timeout --foreground 90 "$programs/migfra" "$@"; }

address_of_vm() { echo "10.77.$((1 + $1 / 200)).$((1 + $1 % 200))"; }

begin_cluster() {
  local before=$EPOCHREALTIME
  programs=$(lab programs) || exit 1
  lab down
  lab up "$HOSTS" || give_up "The hosts did not come up."
  say "node1 to node$HOSTS: own names, addresses and libvirt daemons, real QEMU ($(seconds_since "$before") s)"
  before=$EPOCHREALTIME
  lab services || give_up "The programs did not come up."
  say "broker, coordinator and a worker per host are online ($(seconds_since "$before") s)"
}

# Sizes and dirty rates differ, so that there is something to plan.  node1's link is slowed down in proportion to what
# has to leave it, so that one can watch it for some ten seconds.
begin_guests() {
  local before=$EPOCHREALTIME k mem jobs=() sizes=(64 80 96 112 128) total=0
  for ((k = 1; k <= VMS; k++)); do
    mem=${sizes[k % 5]} total=$((total + mem))
    lab start node1 "vm$k" ip="$(address_of_vm "$k")" mem="$mem" fill="$((mem - 16))" dirty="$((k % 3 * 2))" &
    jobs+=($!)
    ((k % 4)) || { wait "${jobs[@]}" && jobs=(); }
  done
  for k in "${jobs[@]}"; do wait "$k" || give_up "Not all guests started."; done
  for ((k = 1; k <= VMS; k++)); do
    lab banner ctl "$(address_of_vm "$k")" 30 >/dev/null || give_up "vm$k does not answer."
  done
  local rate=$((total * 8 / 10))
  lab rate node1 "${rate}mbit" || give_up "node1's link cannot be limited."
  say "all answer on their SSH ports ($(seconds_since "$before") s); node1's link is limited to $rate Mbit/s"
  wait_for_vms
}

# The coordinator learns of guests from the workers' states.
wait_for_vms() {
  local k
  for ((k = 0; k < 100; k++)); do
    (($(migfra vms --json | grep -oE '"vm[0-9]+"' | sort -u | wc -l) >= VMS)) && return
    sleep 0.1
  done
  give_up "The coordinator does not know of all guests after 10 s."
}

begin_watch() {
  local k addresses=()
  for ((k = 1; k <= VMS; k++)); do addresses+=("$(address_of_vm "$k")"); done
  "$LAB/lab" watch ctl "${addresses[@]}" >"$LAB_STATE/ctl/watch.txt" &
  watch=$!
  say "(from now on each guest is asked every 20 ms for how long it has run)"
}

# Each guest exactly once, running, not on node1; and their own testimony.
check_cluster() {
  local k names everywhere=''
  say "virsh list --all:"
  for ((k = 1; k <= HOSTS; k++)); do
    names=$(lab exec "node$k" virsh -q list --all | awk '{ printf " %s/%s%s", $2, $3, $4 }')
    say "  node$k: ${names:- (none)}"
    everywhere+=$names
    [ "$k" != 1 ] || [ -z "$names" ] || complain "node1 still has guests"
  done
  for ((k = 1; k <= VMS; k++)); do
    [ "$(grep -ow "vm$k/[a-z]*" <<<"$everywhere" | tr '\n' ' ')" = "vm$k/running " ] ||
      complain "vm$k should run on exactly one host and be defined nowhere else"
  done
  end_watch
}

end_watch() {
  title "What the guests say"
  kill "$watch"
  wait "$watch" || complain "a guest fell silent or started anew"
  watch=
  awk '
    $1 == "summary" {
      for (i = 3; i <= NF; i++) { split($i, pair, "="); value[pair[1]] = pair[2] }
      back = value["backwards"] > 0 ? ", BUT BACK " value["backwards"] " TIMES" : ""
      count++
      printf "  vm%-3d %5d answers; its clock went on from %4.1f to %4.1f s%s; ", count, value["answers"],
        value["first"] / 1000, value["last"] / 1000, back
      printf "stood still %3d ms, longest gap %3d ms\n", value["stopped"], value["gap"]
      if (value["stopped"] + 0 > stopped) stopped = value["stopped"] + 0
      if (value["gap"] + 0 > gap) gap = value["gap"] + 0
      if (value["gap"] > value["stopped"] + 500) silent = 1
    }
    END {
      printf "No guest stood still for more than %d ms in all; ", stopped
      printf "the longest time without an answer was %d ms.\n", gap
      exit silent
    }' "$LAB_STATE/ctl/watch.txt" || complain "a guest was silent for longer than it stood still"
}

end_cluster() {
  [ -z "${watch:-}" ] || kill "$watch" 2>/dev/null
  if [ -n "$KEEP" ]; then
    printf '%s\n' "The cluster stays.  To look around, and to end it:" "  export LAB_STATE=$LAB_STATE" \
      "  $LAB/lab exec ctl $programs/migfra hosts --broker ctl:1883" "  $LAB/lab down"
  else
    lab down
  fi
}
