# A node's libvirtd: listens on TCP 16509 without authentication, with LAB_TLS on 16514 for hosts with a certificate; runs QEMU as root and without anything that needs
# systemd, cgroups or a security module.
# shellcheck shell=bash

configure_libvirtd() {
  local node=$1 etc=$STATE/$1/etc
  [ -e "$etc/libvirtd.conf" ] && return
  mkdir -p "$etc"/{qemu/networks,qemu/autostart,hooks,nwfilter,storage,secrets}
  cat >"$etc/libvirtd.conf" <<END
listen_tls = ${LAB_TLS:-0}
listen_tcp = 1
tls_allowed_dn_list = [ "CN=node*" ]
listen_addr = "0.0.0.0"
auth_tcp = "none"
auth_unix_rw = "none"
unix_sock_rw_perms = "0777"
host_uuid = "$(uuid_of "host $node")"
max_clients = 1000
max_workers = ${LAB_WORKERS:-40}
max_client_requests = 100
keepalive_interval = 5
keepalive_count = 5
log_level = 3
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
END
  cat >"$etc/qemu.conf" <<END
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
migration_address = "$(address_of "$node")"
migration_host = "$(address_of "$node")"
keepalive_interval = 5
keepalive_count = 5
END
}

libvirtd_pid() {
  # shellcheck disable=SC2016 # expanded over there
  on "$1" sh -c 'pid=$(cat /run/libvirtd.pid) && grep -q libvirtd "/proc/$pid/comm" && echo "$pid"' 2>/dev/null
}

# A node answers behind a cut cable, too; in a vnode the question would start a shell, which takes its time there.
libvirtd_answers() {
  case $1 in
    vnode*) net_of ctl bash -c "exec 3<>/dev/tcp/$(address_of "$1")/16509" 2>/dev/null ;;
    *) net_of "$1" bash -c 'exec 3<>/dev/tcp/127.0.0.1/16509' 2>/dev/null ;;
  esac
}

libvirtd_start() {
  local node=$1 log=$STATE/$1/log
  libvirtd_pid "$node" >/dev/null && return
  on "$node" env -u LISTEN_FDS HOME=/root LD_PRELOAD="$IMAGES/nfsshim.so" LAB_SHARED="$STATE/shared" \
    setsid libvirtd -d --listen -p /run/libvirtd.pid </dev/null >>"$log/start.log" 2>&1 &&
    wait_until 30 libvirtd_answers "$node" ||
    die "$node: libvirtd does not answer: $(cat "$log/start.log" "$log/libvirtd.log" 2>/dev/null | tail -n 3)"
}

# libvirtd_end NODE SIGNAL
libvirtd_end() {
  # shellcheck disable=SC2016 # expanded over there
  on "$1" sh -c 'pid=$(cat /run/libvirtd.pid 2>/dev/null) || exit 0
    kill -"$0" "$pid" 2>/dev/null
    while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
    rm -f /run/libvirtd.pid' "$2"
}

lab_daemon() {
  case ${2:-} in
    start) libvirtd_start "$1" ;;
    stop) libvirtd_end "$1" TERM ;;
    kill) libvirtd_end "$1" KILL ;;
    pid) libvirtd_pid "$1" ;;
    *) die "daemon HOST start|stop|kill|pid" ;;
  esac
}

# libvirt asks QEMU for its capabilities once per cache, which takes one to two seconds.  The answer is kept beside the
# images and given to every new node; libvirt itself checks whether it still fits the installed QEMU.
# The emulated processor of a vnode is another one than this machine's.
kept_capabilities() {
  case $1 in
    vnode*) echo "$IMAGES/capabilities-vnode" ;;
    *) echo "$IMAGES/capabilities" ;;
  esac
}

lend_capabilities() {
  local kept cache=$STATE/$1/cache/qemu
  kept=$(kept_capabilities "$1")
  [ -d "$kept" ] && [ ! -d "$cache" ] || return 0
  mkdir -p "$cache"
  cp -a "$kept" "$cache/capabilities"
}

keep_capabilities() {
  local kept own=$STATE/$1/cache/qemu/capabilities
  kept=$(kept_capabilities "$1")
  on ctl virsh -q -c "qemu+tcp://$1/system" domcapabilities --virttype qemu >/dev/null ||
    die "$1: libvirt finds no QEMU"
  diff -rq "$own" "$kept" >/dev/null 2>&1 && return
  cp -a "$own" "$kept.$$" && rm -rf "$kept" && mv -T "$kept.$$" "$kept"
}
