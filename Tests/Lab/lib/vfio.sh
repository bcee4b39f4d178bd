# Hosts with devices to hand through: vnodeK is a virtual machine under TCG with an emulated IOMMU, on the same switch.
# It runs on this machine's own files, shared by virtiofs, so that whatever is installed or built here is there too, at
# the same path; only its kernel, its memory and its devices are its own.
# shellcheck shell=bash

VNODE_MEMORY=768 # MiB
VNODE_MODULES=(virtio_pci virtio_net virtiofs tun bridge vfio-pci vfio_iommu_type1)

kernel_release() {
  local kernel
  kernel=$(printf '%s\n' /boot/vmlinuz-*-cloud-amd64 | sort -V | tail -n 1)
  [ -r "$kernel" ] && echo "${kernel#/boot/vmlinuz-}"
}

# The vnodes of this lab, running or crashed.
vnodes() {
  local folder
  for folder in "$STATE"/vnode*; do
    [ -d "$folder" ] && echo "${folder##*/}"
  done | sort -V
}

# vnode_pid VNODE: its QEMU, as ctl sees it.
vnode_pid() {
  # shellcheck disable=SC2016 # expanded over there
  on ctl sh -c 'pid=$(cat "/run/$0.pid") && kill -0 "$pid" && echo "$pid"' "$1" 2>/dev/null
}

SSH=(ssh -F none -i "$STATE/ctl/vnode-key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
  -o LogLevel=ERROR -o BatchMode=yes -o ConnectTimeout=10 -o ControlPath=/run/%h.ssh)

# on_vnode VNODE COMMAND...: as `on`, by way of ctl.
on_vnode() {
  local vnode=$1 words
  shift
  printf -v words '%q ' "$@"
  on ctl "${SSH[@]}" "root@$vnode" "cd $(printf %q "$PWD") 2>/dev/null || cd /; exec $words"
}

vnode_answers() { on_vnode "$1" true 2>/dev/null; }

lab_vfio() {
  local vnode=vnode${1:-1} release
  [[ $vnode =~ ^vnode[1-4]$ ]] || die "vfio 1..4: which vnode?"
  lab_doctor --quiet vfio || exit 1
  is_running ctl || die "the lab is not up: lab up"
  if ! is_running "$vnode"; then
    release=$(kernel_release)
    build_vnode_disk "$release" || exit 1
    furnish_vnode "$vnode"
    vnode_power "$vnode" "$release"
    vnode_settled() { vnode_answers "$vnode" || ! is_running "$vnode"; }
    wait_until 180 vnode_settled && is_running "$vnode" ||
      die "$vnode does not answer: $(tail -n 3 "$STATE/$vnode/console.log")"
    # One standing connection: a handshake for every command would cost the emulated processor half a second.
    on ctl "${SSH[@]}" -fNM -o ServerAliveInterval=5 "root@$vnode" </dev/null >/dev/null 2>&1
  fi
  libvirtd_start "$vnode"
  keep_capabilities "$vnode"
}

# The RAM disk: a shell and the kernel's modules.
build_vnode_disk() (
  release=$1 disk=$IMAGES/vnode-$1.initrd
  exec 9>"$IMAGES/.lock"
  flock 9 # labs may start at the same time
  [ "$disk" -nt "$LAB/guests/vnode/init" ] && [ "$disk" -nt "$LAB/lib/vfio.sh" ] && exit
  root=$(mktemp -d -p "$IMAGES") || exit 1
  mkdir -p "$root"/{bin,dev,modules,proc,sys}
  cp "$(command -v busybox)" "$root/bin/busybox" && ln -s busybox "$root/bin/sh" &&
    cp "$LAB/guests/vnode/init" "$root/init" && chmod 755 "$root/init" &&
    modprobe -a -S "$release" --show-depends "${VNODE_MODULES[@]}" |
    while read -r _ module _; do
      # Several need the same one, and some are built in.
      [ -f "$module" ] && [ ! -e "$root/modules/${module##*/}" ] || continue
      cp "$module" "$root/modules/" && echo "${module##*/}"
    done >"$root/modules/order" &&
    (cd "$root" && find . | cpio -o -H newc --quiet) >"$disk.new" &&
    mv "$disk.new" "$disk" || die "the RAM disk of vnodes cannot be made"
  rm -rf "$root"
)

# Everything that the vnode finds in its folder when it boots.
furnish_vnode() {
  local vnode=$1 own=$STATE/$1 key=$STATE/ctl/vnode-key
  mkdir -p "$own"/{etc,log/qemu,cache,root/.ssh}
  chmod 700 "$own"/root{,/.ssh}
  echo "$vnode" >"$own/hostname"
  sed "s,^root:.*,root:x:0:0:root:$own/root:/bin/bash," /etc/passwd >"$own/passwd"
  (
    flock 9 # vnodes may boot at the same time
    [ -e "$key" ] || ssh-keygen -q -t ed25519 -N '' -C lab -f "$key"
  ) 9>"$key.lock" || die "no key for $vnode"
  cp "$key.pub" "$own/root/.ssh/authorized_keys"
  [ -e "$own/host-key" ] || dropbearkey -t ed25519 -f "$own/host-key" >/dev/null 2>&1 || die "no host key for $vnode"
  configure_libvirtd "$vnode"
  lend_capabilities "$vnode"
}

# Two devices of one type and one each of some others, at addresses that differ from vnode to vnode.
vnode_devices() { # NUMBER
  printf -- '-device %s\n' \
    "edu,addr=$(printf %x $((15 + $1)))" "edu,addr=$(printf %x $((19 + $1)))" \
    "e1000e,netdev=idle,addr=$(printf %x $((23 + $1))),romfile=" pci-testdev,addr=1c ivshmem-plain,memdev=piece,addr=1d
}

vnode_power() { # VNODE RELEASE
  local vnode=$1 own=$STATE/$1 number=${1#vnode} port socket=/run/$1.files devices
  port=$(port_of "$vnode")
  net_of ctl ip link del "$port" 2>/dev/null
  net_of ctl sh -ec "ip tuntap add $port mode tap; ip link set $port master lan0 up" || die "$vnode: no cable"
  on ctl rm -f "$socket"
  # Ends with the QEMU that it serves.
  # shellcheck disable=SC2016 # expanded over there
  lab_spawn ctl sh -c 'log=$0; exec "$@" >>"$log" 2>&1' "$own/virtiofsd.log" \
    /usr/lib/qemu/virtiofsd -f --socket-path="$socket" -o source=/ -o sandbox=chroot -o log_level=warn >/dev/null
  wait_until 10 on ctl test -S "$socket" || die "$vnode: no files: $(cat "$own/virtiofsd.log")"
  read -rd '' -a devices < <(vnode_devices "$number")
  on ctl qemu-system-x86_64 -name "$vnode" -daemonize -no-reboot -pidfile "/run/$vnode.pid" \
    -nodefaults -no-user-config -display none -serial "file:$own/console.log" \
    -machine q35,memory-backend=memory -accel tcg,thread=multi,tb-size=256 -cpu max -smp 1 -m "$VNODE_MEMORY" \
    -object "memory-backend-memfd,id=memory,size=${VNODE_MEMORY}M,share=on" \
    -device intel-iommu,intremap=on,caching-mode=on \
    -kernel "/boot/vmlinuz-$2" -initrd "$IMAGES/vnode-$2.initrd" \
    -append "console=ttyS0 quiet panic=-1 nokaslr mitigations=off no_timer_check lsm= audit=0 intel_iommu=on \
lab.name=$vnode lab.address=$(address_of "$vnode") lab.state=$STATE lab.lab=$LAB lab.shell=$(command -v busybox)" \
    -chardev "socket,id=files,path=$socket" -device vhost-user-fs-pci,chardev=files,tag=machine \
    -netdev "tap,id=cable,ifname=$port,script=no,downscript=no" \
    -device "virtio-net-pci,netdev=cable,mac=52:54:77:00:01:0$number,romfile=" \
    -netdev hubport,id=idle,hubid=0 -object memory-backend-ram,id=piece,size=4M "${devices[@]}" \
    >"$own/qemu.log" 2>&1 || die "$vnode: QEMU does not start: $(cat "$own/qemu.log")"
}

vnode_crash() {
  local pid
  on ctl "${SSH[@]}" -O exit "root@$1" 2>/dev/null
  pid=$(vnode_pid "$1") && on ctl kill -KILL "$pid"
}
