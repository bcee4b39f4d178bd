# What a lab needs of this machine.  Each thing is tried, not guessed, and every complaint names the way out.
#
# lab doctor [--quiet] [hosts|vfio]: for hosts of namespaces only, or for vnodes, too (the default).
# shellcheck shell=bash

lab_doctor() {
  local missing=() program quiet=
  if [ "${1:-}" = --quiet ]; then
    quiet=1
    shift
  fi
  need() { # COMPLAINT COMMAND...
    local complaint=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$complaint")
  }
  has_root() { [ "$(id -u)" = 0 ]; }
  is_x86_64() { [ "$(uname -m)" = x86_64 ]; }

  need "an x86_64 machine: the guests and their QEMU are for that" is_x86_64
  for program in libvirtd virsh qemu-system-x86_64 gcc ip tc nsenter flock pgrep mosquitto; do
    need "$program is not installed: run \`make setup\`" command -v "$program"
  done
  if [ "${1:-vfio}" = vfio ]; then
    for program in busybox cpio modprobe ssh ssh-keygen dropbear dropbearkey /usr/lib/qemu/virtiofsd; do
      need "$program is not installed, vnodes need it: run \`make setup\`" command -v "$program"
    done
    need "no kernel for vnodes (linux-image-cloud-amd64): run \`make setup\`" kernel_release
  fi
  need "the user libvirt-qemu does not exist, libvirtd insists on it: run \`make setup\`" id libvirt-qemu
  if has_root; then
    need "namespaces are forbidden: in a container start it with --privileged" \
      unshare -n -m -u -i -p --fork --kill-child mount -t tmpfs tmpfs /run
    need "bridges or veth pairs are forbidden or not in this kernel: modprobe bridge veth, or a privileged container" \
      unshare -n sh -c 'ip link add br0 type bridge && ip link add up0 type veth peer name p0'
    need "taps are not to be had: modprobe tun, or give the container the device /dev/net/tun" \
      unshare -n ip tuntap add tap0 mode tap
    need "links cannot be rate-limited: modprobe sch_tbf" \
      unshare -n tc qdisc add dev lo root tbf rate 100mbit burst 256k latency 50ms
  else
    missing+=("root: run as root or with sudo installed")
  fi

  if [ ${#missing[@]} -gt 0 ]; then
    printf 'lab: missing: %s\n' "${missing[@]}" >&2
    return 1
  fi
  [ -n "$quiet" ] || echo "lab: everything is there"
}
