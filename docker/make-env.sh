#!/bin/sh
# Makes what `docker compose up` needs beside docker-compose.yml; whatever exists is kept:
#   secrets/   a file for each secret. Only their owner may enter the folder. The files themselves are readable, since the
#              users in the containers have other ids; Docker mounts them one by one.
#   output/    where `docker compose run --rm segnas ...` works. Where the containers' user (uid 1000) is not its owner,
#              anybody may add files, and only the owner of the folder may remove those of others.
# Secrets of a .env file, where earlier versions had them, are taken over.
set -eu
umask 077
root=$(cd "$(dirname "$0")/.." && pwd)

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
earlier() { if [ -e "$root/.env" ]; then sed -n "s/^$1=//p" "$root/.env" | tail -n 1; fi; }

mkdir -p "$root/secrets"
for variable in SEGNAS_TOKEN RAY_AUTH_TOKEN POSTGRES_PASSWORD; do
    file=$root/secrets/$(echo "$variable" | tr 'A-Z' 'a-z')
    if [ -e "$file" ]; then
        echo "$file exists and is kept" >&2
        continue
    fi
    value=$(earlier "$variable")
    printf '%s' "${value:-$(random)}" > "$file.new"
    chmod 644 "$file.new"
    mv "$file.new" "$file"
    echo "wrote $file" >&2
done

if [ ! -e "$root/output" ]; then
    mkdir "$root/output"
    if [ "$(id -u)" = 1000 ]; then chmod 755 "$root/output"; else chmod 1777 "$root/output"; fi
fi
