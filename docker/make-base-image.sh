#!/bin/sh
# Makes a base image from a Debian mirror alone, for hosts that reach no image registry:
#   docker/make-base-image.sh [NAME [SUITE [MIRROR]]]
# The image holds what docker/*.Dockerfile expect of BASE_IMAGE: Python >= 3.11 with venv, and certificates.
# A certificate authority of your own (EXTRA_CA=FILE.crt) becomes a trusted one in the image.
# Needs root, debootstrap and a running engine.
set -eu

name=${1:-segnas-base:bookworm}
suite=${2:-bookworm}
mirror=${3:-http://deb.debian.org/debian}

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv "$suite" "$root" "$mirror"
if [ -n "${EXTRA_CA:-}" ]; then
    cp "$EXTRA_CA" "$root/usr/local/share/ca-certificates/extra.crt"
    chroot "$root" update-ca-certificates
fi
chroot "$root" apt-get clean
rm -rf "$root"/var/lib/apt/lists/* "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/*
tar --directory "$root" --create --numeric-owner --exclude=./dev/* --exclude=./proc/* --exclude=./sys/* . |
    docker import --change 'ENV LANG=C.UTF-8' --change 'CMD ["python3"]' - "$name"
