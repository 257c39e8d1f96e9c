#!/bin/sh
# Writes docker/*.lock anew, after a change of pyproject.toml or constraints.txt: every Python package that the images
# install, with the sha256 of its files. Needs uv (pip install uv), and PyPI.
#
#   api.lock, worker.lock   what the service and a node run with, at the versions of constraints.txt
#   tools.lock              what the build itself runs: setuptools, and the tool that lists the packages
#
# torch is in none: which of its builds is taken, and with it which CUDA libraries, an image's build decides (TORCH_VARIANT).
# What else torch needs is in worker.lock.
set -eu
cd "$(dirname "$0")/.."

others=$(mktemp)
without=$(mktemp)
trap 'rm -f "$others" "$without"' EXIT
printf '%s\n' filelock fsspec jinja2 networkx setuptools sympy typing-extensions > "$others"
printf '%s\n' 'torch ; python_version < "3"' > "$without"

lock() {
    name=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --constraint constraints.txt \
        --custom-compile-command docker/lock.sh --output-file "docker/$name.lock" "$@"
}

lock api pyproject.toml --extra api
lock worker pyproject.toml --extra api --extra worker --extra storage --override "$without" "$others"
printf '%s\n' cyclonedx-bom 'setuptools>=77' > "$others"
lock tools "$others"
