# A host's namespaces: network, mounts, hostname, IPC and processes.  The process namespaces of all nodes are children
# of ctl's, so the end of ctl's first process is the end of everything, and `lab` works on ctl, too.
#
# A first process is known by its pid namespace's inode and its own start time, which are the same seen from anywhere
# ($STATE/HOST/namespace), never by name; its pid as seen from here is cached in pid.INODE-OF-OUR-NAMESPACE.  The inode
# alone would not do: the kernel gives the number of a namespace that has ended to the next one, of another lab.
# shellcheck shell=bash

# inode_of PID: its pid namespace.
inode_of() {
  local link
  link=$(readlink "/proc/$1/ns/pid" 2>/dev/null) && echo "${link//[^0-9]/}"
}

OUR_NAMESPACE=$(inode_of self)

# identity_of PID: its pid namespace and its start time, in clock ticks since boot.
identity_of() {
  local inode stat
  inode=$(inode_of "$1") && read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  read -r -a stat <<<"${stat##*) }"
  echo "$inode ${stat[19]}"
}

# pid_of HOST: its first process, as seen from here; fails if the host is not running.
pid_of() {
  local identity pid cache=$STATE/$1/pid.$OUR_NAMESPACE
  read -r identity 2>/dev/null <"$STATE/$1/namespace" || return 1
  if [ "${identity% *}" = "$OUR_NAMESPACE" ]; then
    echo 1
    return
  fi
  if read -r pid 2>/dev/null <"$cache" && [ "$(identity_of "$pid")" = "$identity" ]; then
    echo "$pid"
    return
  fi
  while IFS=/ read -r _ _ pid _; do
    [ "$(identity_of "$pid")" = "$identity" ] || continue
    echo "$pid" | tee "$cache"
    return
  done < <(grep -lsP '^NSpid:.*\t1$' /proc/[0-9]*/status)
  return 1
}

is_running() {
  case $1 in
    vnode*) [ -n "$(vnode_pid "$1")" ] ;;
    *) pid_of "$1" >/dev/null ;;
  esac
}

# on HOST COMMAND...: run it there, in this working directory.
on() {
  local host=$1 pid
  if [[ $host == vnode* ]]; then
    on_vnode "$@"
    return
  fi
  shift
  pid=$(pid_of "$host") || die "$host is not running"
  if [ "$pid" = 1 ]; then
    "$@"
  else
    # shellcheck disable=SC2016 # expanded over there
    nsenter -t "$pid" -m -u -i -n -p -- /bin/bash -c 'cd "$0" 2>/dev/null || cd /; exec "$@"' "$PWD" "$@"
  fi
}

# net_of HOST COMMAND...: run it in that host's network only.
net_of() {
  local host=$1 pid
  shift
  pid=$(pid_of "$host") || die "$host is not running"
  nsenter -t "$pid" -n -- "$@"
}

# What a host's first process does: mount what is the host's own, say so, then only reap.
# shellcheck disable=SC2016 # expanded over there
FIRST_PROCESS='
  set -e
  host=$0 own=$1 state=$2
  mount --make-rprivate /
  hostname "$host"
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/lock /run/user
  if [ -d "$own/pki" ]; then  # a folder of /etc of its own, which this machine need not have
    mkdir -p /run/etc/{upper,work}
    mount -t overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work overlay /etc
    mkdir -p /etc/pki
    mount --bind "$own/pki" /etc/pki
  fi
  mount --bind "$state/hosts" /etc/hosts
  mount --bind "$own/hostname" /etc/hostname
  if [ "$host" != ctl ]; then
    mount --bind "$own/etc" /etc/libvirt
    mount --bind "$own/lib" /var/lib/libvirt
    mount --bind "$own/log" /var/log/libvirt
    mount --bind "$own/cache" /var/cache/libvirt
  fi
  ip link set lo up
  inode=$(readlink /proc/self/ns/pid)
  read -r stat </proc/1/stat
  read -r -a stat <<<"${stat##*) }"
  echo "${inode//[^0-9]/} ${stat[19]}" >"$own/namespace"
  : >"$own/ready"
  while :; do sleep 3600 & wait $!; done'

make_namespaces() {
  local host=$1 own=$STATE/$1 inside_ctl=() pid
  mkdir -p "$own"/{etc,lib/images,lib/boot,log/qemu,cache}
  rm -f "$own"/{ready,namespace,pid.*}
  echo "$host" >"$own/hostname"
  if [ "$host" != ctl ]; then
    pid=$(pid_of ctl) || die "ctl is not running"
    [ "$pid" = 1 ] || inside_ctl=(nsenter -t "$pid" -p --)
  fi
  setsid "${inside_ctl[@]}" unshare -n -m -u -i -p --fork --kill-child \
    /bin/bash -c "$FIRST_PROCESS" "$host" "$own" "$STATE" </dev/null >"$own/namespaces.log" 2>&1 &
  pid=$!
  namespaces_settled() { [ -e "$own/ready" ] || ! kill -0 "$pid" 2>/dev/null; }
  wait_until 20 namespaces_settled
  [ -e "$own/ready" ] || die "$host: no namespaces: $(cat "$own/namespaces.log")"
}

# Ends every process of the host at once, as a power failure would.
kill_namespaces() {
  local pid state
  pid=$(pid_of "$1") || return 0
  [ "$pid" != 1 ] || die "$1 cannot end itself: run this from outside"
  kill -KILL "$pid"
  while read -r state <"/proc/$pid/stat" && [[ $state != *") Z"* ]]; do sleep 0.01; done 2>/dev/null
  rm -f "$STATE/$1"/{namespace,pid.*}
}
