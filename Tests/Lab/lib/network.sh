# The network: ctl has the switch (bridge lan0) with a port pK per node, vK per vnode; a node has its cable (up0) in a
# bridge br0, which carries the node's address and the taps of its guests.
# shellcheck shell=bash

port_of() {
  case $1 in
    vnode*) echo "v${1#vnode}" ;;
    *) echo "p${1#node}" ;;
  esac
}

write_hosts_file() {
  local k
  {
    echo "127.0.0.1 localhost"
    echo "$(address_of ctl) ctl"
    for ((k = 1; k <= 50; k++)); do echo "$NET.0.$k node$k"; done
    for ((k = 1; k <= 4; k++)); do echo "$(address_of "vnode$k") vnode$k"; done
  } >"$STATE/hosts"
}

switch_up() {
  net_of ctl sh -ec "
    ip link add lan0 type bridge forward_delay 0 stp_state 0
    ip link set lan0 address 52:54:77:00:00:fe up
    ip addr add $(address_of ctl)/16 dev lan0" || die "ctl: no network"
}

cable_up() {
  local node=$1 port mac
  port=$(port_of "$node") mac=$(printf '52:54:77:00:00:%02x' "${node#node}")
  net_of ctl ip link del "$port" 2>/dev/null
  net_of ctl sh -ec "
    ip link add $port type veth peer name up0 netns $(pid_of "$node")
    ip link set $port master lan0 up" || die "$node: no cable"
  net_of "$node" sh -ec "
    ip link add br0 type bridge forward_delay 0 stp_state 0
    ip link set up0 master br0 up
    ip link set br0 address $mac up
    ip addr add $(address_of "$node")/16 dev br0" || die "$node: no network"
}

lab_link() {
  [[ ${2:-} == up || ${2:-} == down ]] || die "link HOST down|up"
  net_of ctl ip link set "$(port_of "$1")" "$2"
}

lab_rate() {
  local node=$1 rate=${2:-off}
  [[ $node != vnode* ]] || die "the links of vnodes cannot be limited"
  shape() { # HOST DEVICE
    if [ "$rate" = off ]; then
      net_of "$1" tc qdisc del dev "$2" root 2>/dev/null || true
    else
      net_of "$1" tc qdisc replace dev "$2" root tbf rate "$rate" burst 256k latency 50ms
    fi
  }
  shape ctl "$(port_of "$node")" && shape "$node" up0
}
