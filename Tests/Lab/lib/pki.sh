# Certificates for libvirt and QEMU (LAB_TLS): one authority of the lab's own, one pair of keys for each host.
# shellcheck shell=bash

# make_certificates NODE: what libvirt and QEMU look for below /etc/pki.
make_certificates() {
  local node=$1 authority=$STATE/shared/pki pki=$STATE/$1/pki own
  [ -d "$pki" ] && return
  make_authority "$authority"
  mkdir -p "$STATE/$node"
  own=$(mktemp -d "$STATE/$node/keys.XXXX") || exit
  printf 'subjectAltName=DNS:%s,IP:%s\nbasicConstraints=critical,CA:FALSE\n%s\n%s\n' "$node" "$(address_of "$node")" \
    keyUsage=critical,digitalSignature,keyEncipherment extendedKeyUsage=serverAuth,clientAuth >"$own/names"
  quietly openssl req -newkey rsa:2048 -nodes -subj "/CN=$node" -keyout "$own/key.pem" -out "$own/request.pem"
  quietly openssl x509 -req -days 2 -in "$own/request.pem" -CA "$authority/ca.pem" -CAkey "$authority/ca.key" \
    -set_serial "0x$(openssl rand -hex 8)" -extfile "$own/names" -out "$own/cert.pem"
  mkdir -p "$pki"/{CA,libvirt/private,qemu}
  cp "$authority/ca.pem" "$pki/CA/cacert.pem"
  cp "$authority/ca.pem" "$pki/qemu/ca-cert.pem"
  for role in server client; do
    cp "$own/cert.pem" "$pki/libvirt/${role}cert.pem"
    cp "$own/key.pem" "$pki/libvirt/private/${role}key.pem"
    cp "$own/cert.pem" "$pki/qemu/$role-cert.pem"
    cp "$own/key.pem" "$pki/qemu/$role-key.pem"
  done
  rm -rf "$own"
}

# Hosts boot side by side: the first one makes it, the others wait.
make_authority() {
  local folder=$1
  mkdir -p "$folder"
  (
    flock 9
    [ -e "$folder/ca.pem" ] && exit
    printf '[req]\ndistinguished_name=name\n[name]\n[authority]\nbasicConstraints=critical,CA:TRUE\n%s\n' \
      keyUsage=critical,keyCertSign >"$folder/conf"
    quietly openssl req -x509 -config "$folder/conf" -extensions authority -newkey rsa:2048 -nodes -days 2 \
      -subj "/CN=authority of the lab" -keyout "$folder/ca.key" -out "$folder/ca.new"
    mv "$folder/ca.new" "$folder/ca.pem"
  ) 9>"$folder/lock" || exit
}

# quietly COMMAND...: its words only if it fails.
quietly() {
  local said
  said=$("$@" 2>&1) || die "$*: $said"
}
