# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What packaging/run and tests/run share: the Debian packages that a build needs, and how missing ones are installed.

# A package, or package:command where the command may also come from elsewhere (a newer Node.js, say).
# shellcheck disable=SC2034
EKSGATE_BUILD_PACKAGES=(build-essential cmake ninja-build pkg-config
    libevent-dev libssl-dev libjansson-dev liblua5.4-dev libsqlite3-dev)
# What the image needs besides, to be assembled.
# shellcheck disable=SC2034
EKSGATE_IMAGE_PACKAGES=(ca-certificates openssl)

# missing_packages PACKAGE[:COMMAND]...: prints those that dpkg doesn't know as installed, one per line.
missing_packages() {
    local wanted installed
    # dpkg-query fails when it doesn't know one of them, which is what is asked: the answer is in what it prints.
    installed=" $( (dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${@%%:*}" 2>/dev/null || true) |
        sed -n 's/^installed //p' | tr '\n' ' ') "
    for wanted in "$@"; do
        case $wanted in
        *:*) ! command -v "${wanted#*:}" >/dev/null || continue ;;
        esac
        [[ $installed == *" ${wanted%%:*} "* ]] || printf '%s\n' "${wanted%%:*}"
    done
}

# as_root COMMAND...: runs it as root, through sudo where needed; without a terminal sudo may not ask.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif ! command -v sudo >/dev/null; then
        printf 'eksgate: root is needed (no sudo here) for: %s\n' "$*" >&2
        return 1
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

# Installs the packages given; daemons among them are not started (nginx and HAProxy are peers that tests start themselves).
apt_install() (
    policy=/usr/sbin/policy-rc.d
    apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)

    if [ ! -e "$policy" ]; then
        trap 'as_root rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    # The lists may be absent (a bare root) or so old that their files are gone: try, refresh, try again.
    if compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null &&
        as_root "${apt[@]}" install --no-install-recommends "$@" </dev/null; then
        return 0
    fi
    as_root "${apt[@]}" update </dev/null && as_root "${apt[@]}" install --no-install-recommends "$@" </dev/null
)

# ensure_packages PACKAGE[:COMMAND]...: installs what is missing and says so; silent and quick when nothing is.
ensure_packages() {
    local missing lines
    lines=$(missing_packages "$@")
    [ -n "$lines" ] || return 0
    mapfile -t missing <<<"$lines"
    if ! command -v apt-get >/dev/null; then
        printf 'eksgate: please install these (Debian names): %s\n' "${missing[*]}" >&2
        return 1
    fi
    printf 'eksgate: installing %s\n' "${missing[*]}"
    apt_install "${missing[@]}" || {
        printf 'eksgate: could not install %s\n' "${missing[*]}" >&2
        return 1
    }
}

# tidy_checkout ROOT: a checkout made with umask 002 leaves the quickstart's key file writable by the group, which eksgate
# refuses.
tidy_checkout() {
    chmod go-w "$1/config/quickstart.keys.json"
}
