# Hosts: up, down, power failure and return.
# shellcheck shell=bash

lab_up() {
  local count=${1:-3} k jobs=() job
  lab_doctor --quiet hosts || exit 1
  build_images || exit 1
  mkdir -p "$STATE/shared" || die "cannot write to $STATE"
  write_hosts_file
  is_running ctl || { make_namespaces ctl && switch_up; }
  lab_boot node1 # first, so that the others need not ask QEMU for its capabilities
  keep_capabilities node1
  for ((k = 2; k <= count; k++)); do
    lab_boot "node$k" &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || die "not all hosts are up"; done
}

lab_boot() {
  local node=$1
  if [[ $node == vnode* ]]; then
    lab_vfio "${node#vnode}"
    return
  fi
  if ! is_running "$node"; then
    [ "${LAB_TLS:-0}" = 0 ] || make_certificates "$node"
    make_namespaces "$node"
    cable_up "$node"
    configure_libvirtd "$node"
    lend_capabilities "$node"
  fi
  libvirtd_start "$node"
}

lab_crash() {
  lab_link "$1" down
  case $1 in
    vnode*) vnode_crash "$1" ;;
    *) kill_namespaces "$1" ;;
  esac
}

lab_down() {
  local node
  kill_namespaces ctl
  for node in $(nodes); do kill_namespaces "$node"; done
  rm -rf "$STATE"/{,v}node* "$STATE"/{ctl,hosts,shared}
  rmdir "$STATE" 2>/dev/null
  return 0
}

lab_status() {
  local host libvirtd
  for host in ctl $(nodes) $(vnodes); do
    if ! is_running "$host"; then
      echo "$host down"
    elif [ "$host" = ctl ]; then
      echo "$host up address=$(address_of ctl)"
    else
      libvirtd=$(libvirtd_pid "$host")
      echo "$host up address=$(address_of "$host") libvirtd=${libvirtd:-down} vms=$(on "$host" pgrep -c qemu-system)"
    fi
  done
}

lab_exec() { on "$@"; }

lab_spawn() {
  local host=$1 log=$STATE/$1/spawn.log
  shift
  # shellcheck disable=SC2016 # expanded over there
  on "$host" /bin/bash -c '
    pid_file=$0.$$
    setsid /bin/bash -c "echo \$\$ >$pid_file.new; mv $pid_file.new $pid_file; exec \"\$@\"" spawn "$@" \
      </dev/null >>"$0" 2>&1 &
    until [ -e "$pid_file" ]; do sleep 0.01; done
    cat "$pid_file"
    rm -f "$pid_file"' "$log" "$@"
}
