#!/usr/bin/env bash
# Make an image from Debian's packages, so that no container registry is needed.
#   base_image.sh NAME              Debian and Python, neither nbclient nor ipykernel
#   base_image.sh NAME --no-python  a shell and its tools, a few MB
# apt resolves and verifies the packages; they are only unpacked, none of their scripts runs, so
# this works without root. Needs apt-get and a Docker daemon.
set -euo pipefail
name=$1
kind=${2:-python}
# up.sh makes an image anew when this file is another than the one it was made by
recipe=$(sha256sum <"$0" | cut -c 1-12)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$work/archives/partial" "$root"
chmod 755 "$root"

# Download these packages and all they need: apt is told that nothing is installed yet.
download() {
  : >"$work/status"
  apt-get install -qq -y --download-only --no-install-recommends \
    -o Dir::State::status="$work/status" \
    -o Dir::State::extended_states="$work/extended_states" \
    -o Dir::Cache::archives="$work/archives" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
    -o Debug::NoLocking=true -o APT::Sandbox::User= -o APT::Get::AllowUnauthenticated=false \
    "$@" >/dev/null
}

# Debian has /bin, /sbin and /lib under /usr since 12; packages of both kinds then unpack into one.
unpack() {
  local folder package
  for folder in bin sbin lib lib64; do
    mkdir -p "$root/usr/$folder"
    ln -s "usr/$folder" "$root/$folder"
  done
  mkdir -p "$root/tmp" "$root/root" "$root/proc" "$root/sys" "$root/dev" "$root/etc"
  chmod 1777 "$root/tmp"
  for package in "$work"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" \
      | tar -x -p -C "$root" --keep-directory-symlink --no-same-owner
  done
}

# What the scripts of the packages would have done.
settle_python() {
  cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
  cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
  [ -e "$root/usr/bin/awk" ] || ln -s mawk "$root/usr/bin/awk"
  [ -e "$root/usr/bin/which" ] || ln -s which.debianutils "$root/usr/bin/which"
  ldconfig -r "$root" 2>/dev/null || true # only root may; without it a look-up is slower
  # what this machine trusts: a container then reaches what the machine reaches
  mkdir -p "$root/etc/ssl/certs"
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2>/dev/null || true
  # as in the official Python images, pip may install into the system
  rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED
  rm -rf "$root"/usr/share/{doc,man,locale,info}
}

settle_no_python() {
  local tool
  for tool in $("$root/bin/busybox" --list); do
    [ -e "$root/bin/$tool" ] || ln -s busybox "$root/bin/$tool"
  done
  rm -rf "${root:?}/usr/share"
  echo "root:x:0:0:root:/root:/bin/sh" >"$root/etc/passwd"
  echo "root:x:0:" >"$root/etc/group"
}

certificates=/etc/ssl/certs/ca-certificates.crt
changes=(
  --change "LABEL flotilla.recipe=$recipe"
  --change "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8"
  --change 'CMD ["/bin/sh"]'
)
case "$kind" in
  python)
    # with what an official Python image has: pip, venv, ps and a shell with its tools
    download base-files base-passwd bash coreutils dash debianutils findutils grep gzip hostname \
      libc-bin mawk procps sed tar util-linux ca-certificates media-types netbase tzdata \
      usr-is-merged python3 python3-pip python3-venv libstdc++6
    unpack
    settle_python
    changes+=(--change "ENV SSL_CERT_FILE=$certificates PIP_CERT=$certificates")
    ;;
  --no-python)
    download busybox-static
    unpack
    settle_no_python
    ;;
  *) echo "usage: base_image.sh NAME [--no-python]" >&2; exit 2 ;;
esac
tar -c -C "$root" --owner=0 --group=0 --numeric-owner . \
  | docker import "${changes[@]}" - "$name" >/dev/null
