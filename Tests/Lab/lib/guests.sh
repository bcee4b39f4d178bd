# Guests and the tools that look at them.  Only the small guest `nano` so far; another kind would bring its kernel, its
# defaults and its network card here.
# shellcheck shell=bash

build_images() (
  mkdir -p "$IMAGES" || die "cannot write to $IMAGES"
  exec 9>"$IMAGES/.lock"
  flock 9 # labs may start at the same time
  newest=$(find "$LAB/guests" "$LAB/tools" -type f -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)
  [ "$IMAGES/nano.elf" -nt "$newest" ] && exit
  work=$(mktemp -d -p "$IMAGES") || exit 1
  # shellcheck disable=SC2054 # the commas are the linker's
  freestanding=(-m32 -O2 -Wall -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables
    -mno-sse -mno-mmx -fno-tree-loop-distribute-patterns -nostdlib -static -no-pie
    -T "$LAB/guests/nano/nano.ld" -Wl,--build-id=none -Wl,-melf_i386 -Wl,--no-warn-rwx-segments)
  gcc "${freestanding[@]}" "$LAB"/guests/nano/*.{S,c} -o "$work/nano.elf" &&
    gcc -O2 -Wall -shared -fPIC "$LAB/guests/nfsshim.c" -o "$work/nfsshim.so" &&
    gcc -O2 -Wall "$LAB/tools/probe.c" -o "$work/probe" &&
    mv "$work"/{nfsshim.so,probe,nano.elf} "$IMAGES/" || die "the guests cannot be compiled"
  rmdir "$work"
)

lab_xml() {
  local name=$1 mem=16 vcpus=1 ip='' fill=0 dirty=0 ws=0 disk='' format=raw cache=none machine=pc
  local args='' cpu='' devices='' pair
  shift
  for pair in "$@"; do
    case ${pair%%=*} in
      mem | vcpus | ip | fill | dirty | ws | disk | format | cache | machine | args | cpu | devices)
        declare "${pair%%=*}=${pair#*=}"
        ;;
      transient) ;; # for lab_start
      *) die "xml: unknown key ${pair%%=*}; see lab help" ;;
    esac
  done
  if [ -n "$ip" ]; then
    local a b c
    IFS=. read -r _ a b c <<<"$ip"
    devices+="
    <interface type='bridge'>
      <mac address='$(printf '52:54:0a:%02x:%02x:%02x' "$a" "$b" "$c")'/>
      <source bridge='br0'/>
      <model type='rtl8139'/>
      <rom enabled='no'/>
    </interface>"
  fi
  if [ -n "$disk" ]; then
    devices+="
    <disk type='file' device='disk'>
      <driver name='qemu' type='$format' cache='$cache'/>
      <source file='$disk'/>
      <target dev='vda' bus='virtio'/>
    </disk>"
  fi
  cat <<END
<domain type='qemu'>
  <name>$name</name>
  <uuid>$(uuid_of "vm $name")</uuid>
  <memory unit='MiB'>$mem</memory>
  <vcpu>$vcpus</vcpu>
  <os>
    <type arch='x86_64' machine='$machine'>hvm</type>
    <kernel>$IMAGES/nano.elf</kernel>
    <cmdline>fill=$fill dirty=$dirty ws=$ws${ip:+ ip=$ip} $args</cmdline>
  </os>
  <features><acpi/><apic/><tcg><tb-cache unit='MiB'>64</tb-cache></tcg></features>
  $cpu
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>$devices
    <serial type='file'>
      <source path='/var/log/libvirt/qemu/$name.serial' append='on'/>
      <target port='0'/>
    </serial>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
END
}

lab_start() {
  local host=$1 name=${2:?start HOST NAME} file status
  shift
  file=$(mktemp -p "$STATE/ctl") || return
  if lab_xml "$@" >"$file"; then
    case " $* " in
      *" transient=1 "*) on "$host" virsh -q create "$file" ;;
      *) on "$host" virsh -q define "$file" && on "$host" virsh -q start "$name" ;;
    esac >/dev/null
  fi
  status=$?
  rm -f "$file"
  return $status
}

lab_banner() { on "$1" "$IMAGES/probe" wait "${2:?banner HOST IP}" "${3:-60}"; }

lab_watch() {
  local host=$1 pid
  shift
  pid=$(pid_of "$host") || die "$host is not running"
  exec nsenter -t "$pid" -n -- "$IMAGES/probe" watch "$pid" "$@" # in place of this shell: a signal to us is for it
}
