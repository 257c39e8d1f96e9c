#!/bin/sh
# Writes .env with fresh secrets beside docker-compose.yml, readable by its owner only; keeps one that exists.
set -eu
file=$(dirname "$0")/../.env

if [ -e "$file" ]; then
    echo ".env exists and is kept" >&2
    exit 0
fi
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
umask 077
cat > "$file" <<EOF
# The API's bearer token.
SEGNAS_TOKEN=$(random)
# Every Ray node and every client of Ray shows this one; the dashboard asks for it.
RAY_AUTH_TOKEN=$(random)
POSTGRES_PASSWORD=$(random)
EOF
echo "wrote .env" >&2
