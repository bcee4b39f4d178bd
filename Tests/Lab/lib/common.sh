# Names, addresses and small helpers.
# shellcheck shell=bash

NET=10.77 # hosts are $NET.0.x, guests take any other address of the same /16

die() {
  echo "lab: $*" >&2
  exit 1
}

# wait_until SECONDS COMMAND...: whether the command succeeds within that time.
wait_until() {
  local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
  shift
  until "$@"; do
    ((${EPOCHREALTIME/./} < deadline)) || return 1
    sleep 0.02
  done
}

address_of() {
  case $1 in
    ctl) echo $NET.0.254 ;;
    node*) echo "$NET.0.${1#node}" ;;
    vnode*) echo "$NET.0.$((100 + ${1#vnode}))" ;;
    *) die "no such host: $1" ;;
  esac
}

# The nodes of this lab, running or crashed.
nodes() {
  local folder
  for folder in "$STATE"/node*; do
    [ -d "$folder" ] && echo "${folder##*/}"
  done | sort -V
}

# A UUID that follows from a text, so that a host or guest has the same one every time.
uuid_of() {
  local hash
  hash=$(echo -n "$1" | md5sum)
  echo "${hash:0:8}-${hash:8:4}-4${hash:13:3}-8${hash:17:3}-${hash:20:12}"
}
