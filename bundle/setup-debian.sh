#!/usr/bin/env bash
# Installs what `cargo bundle` needs on Debian and Ubuntu, and what its check runs the files with.
#
#   bundle/setup-debian.sh                                  for every platform
#   bundle/setup-debian.sh x86_64-linux x86_64-windows      for these
#
# A platform whose rustup target is installed (`rustup target add …`) is built with it. For the others this installs
# the distribution's compiler and its standard library's sources.
set -eu
cd "$(dirname "$0")/.."

work=${CARGO_TARGET_DIR:-$PWD/target}/bundle
mkdir -p "$work"
export DEBIAN_FRONTEND=noninteractive

fail() { printf 'setup-debian.sh: %s\n' "$*" >&2; exit 1; }
platforms=${*:-i386-windows x86_64-windows i386-linux x86_64-linux arm64-linux}

has_std() { ls "$(rustc --print target-libdir --target "$1")"/libstd-*.rlib >/dev/null 2>&1; }

packages="gcc g++ make perl python3 python3-venv openssl ca-certificates cmake pkg-config"
from_source="rustc-web rust-web-src"
for platform in $platforms; do
    case $platform in
    x86_64-linux) triple=x86_64-unknown-linux-gnu ;;
    i386-linux) triple=i686-unknown-linux-gnu packages="$packages libc6-i386" ;;
    # Of the processor's other C compilers none is needed: zig is one.
    arm64-linux) triple=aarch64-unknown-linux-gnu packages="$packages qemu-user libc6-arm64-cross" ;;
    x86_64-windows) triple=x86_64-pc-windows-gnu packages="$packages gcc-mingw-w64-x86-64 wine wine64" ;;
    i386-windows) triple=i686-pc-windows-gnu packages="$packages gcc-mingw-w64-i686" ;;
    *) fail "there is no platform $platform" ;;
    esac
    has_std "$triple" || { packages="$packages $from_source"; from_source=; }
done

missing=
for package in $packages; do
    dpkg-query --show --showformat='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    [ "$(id -u)" = 0 ] || fail "as root run: apt-get install --no-install-recommends$missing"
    echo "installing:$missing"
    # shellcheck disable=SC2086 # the list is meant to be split
    { apt-get update -q && apt-get -o DPkg::Lock::Timeout=600 install -y -q --no-install-recommends $missing; } </dev/null >"$work/apt.log" 2>&1 ||
        { tail -30 "$work/apt.log" >&2; fail "apt-get failed, see $work/apt.log"; }
fi

# Zig's linker knows the symbols of every version of the C library.
if ! cmp -s bundle/requirements.txt "$work/venv/stamp"; then
    echo "installing: what bundle/requirements.txt lists"
    python=/usr/bin/python3
    [ -x "$python" ] || python=python3
    "$python" -m venv "$work/venv"
    "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        -r bundle/requirements.txt </dev/null || fail "pip failed"
    cp bundle/requirements.txt "$work/venv/stamp"
fi

# $1 of Debian: a system of its own in $2, for processor $3, with packages $4.
system() {
    [ ! -e "$work/$2/installed" ] || return 0
    [ "$(id -u)" = 0 ] || { echo "left out: Debian $1 for $3, which the check runs files in: only root can make it"; return 0; }
    command -v debootstrap >/dev/null || apt-get -o DPkg::Lock::Timeout=600 install -y -q debootstrap </dev/null >>"$work/apt.log" 2>&1 ||
        fail "apt-get install debootstrap failed, see $work/apt.log"
    echo "installing: Debian $1 for $3 in $work/$2"
    # One that was killed in the middle may have left mounts behind, which must not be deleted through.
    awk -v folder="$(realpath "$work")/$2/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r |
        while read -r mount; do umount "$mount"; done
    rm -rf --one-file-system "${work:?}/$2"
    # What it mounts ends with it, however it ends.
    unshare --mount debootstrap --arch="$3" --variant=minbase ${4:+--include="$4"} "$1" "$work/$2" \
        </dev/null >"$work/debootstrap.log" 2>&1 ||
        { tail -5 "$work/debootstrap.log" >&2; fail "debootstrap failed, see $work/debootstrap.log"; }
    echo "127.0.0.1 localhost" >"$work/$2/etc/hosts"
    : >"$work/$2/installed"
}
# The oldest system that is still in wide use.
case " $platforms " in *" x86_64-linux "*) system bullseye bullseye amd64 "" ;; esac
case " $platforms " in *" i386-linux "*) system bullseye bullseye-i386 i386 "" ;; esac
# Debian 12's Wine cannot be a server with TLS. libgnutls, which is its TLS, is only recommended by it.
case " $platforms " in *" x86_64-windows "*) system trixie wine-trixie amd64 wine64,libgnutls30t64 ;; esac
# 32 bits beside a 64-bit system cannot be installed everywhere, Wine's least of all.
case " $platforms " in *" i386-windows "*) system bookworm wine-i386 i386 wine,wine32,ca-certificates ;; esac
