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
    { apt-get update -q && apt-get install -y -q --no-install-recommends $missing; } </dev/null >"$work/apt.log" 2>&1 ||
        { tail -30 "$work/apt.log" >&2; fail "apt-get failed, see $work/apt.log"; }
fi

# Zig's linker knows the symbols of every version of the C library.
if [ ! -x "$work/venv/bin/cargo-zigbuild" ]; then
    echo "installing: ziglang, cargo-zigbuild"
    python=/usr/bin/python3
    [ -x "$python" ] || python=python3
    "$python" -m venv "$work/venv"
    "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        -r bundle/requirements.txt </dev/null || fail "pip failed"
fi

# The 32-bit Wine cannot be installed beside a 64-bit system everywhere: it gets a system of its own.
wine32() {
    [ ! -e /usr/lib/wine/wine ] || return 0
    [ ! -x "$work/i386/usr/lib/wine/wine" ] || return 0
    [ "$(id -u)" = 0 ] || fail "only root can make the 32-bit system that runs Windows i386 files"
    command -v debootstrap >/dev/null || apt-get install -y -q debootstrap </dev/null >>"$work/apt.log" 2>&1
    echo "installing: a 32-bit system with Wine, in $work/i386"
    rm -rf "$work/i386"
    debootstrap --arch=i386 --variant=minbase --include=wine,wine32,ca-certificates \
        "$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")" "$work/i386" \
        </dev/null >"$work/debootstrap.log" 2>&1 ||
        { tail -5 "$work/debootstrap.log" >&2; fail "debootstrap failed, see $work/debootstrap.log"; }
}
case " $platforms " in *" i386-windows "*) wine32 ;; esac
