#!/bin/sh
# Makes the data folder and the database on the first start, then becomes the server.
set -eu
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH

# A first start that was killed half-way leaves a folder that initdb refuses: remove the volume, it holds nothing.
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
        password=$POSTGRES_PASSWORD_FILE
    else
        password=/tmp/password
        (umask 077 && printf '%s' "$POSTGRES_PASSWORD" > "$password")
    fi
    initdb --username="$POSTGRES_USER" --pwfile="$password" --auth-host=scram-sha-256 --auth-local=trust \
        --encoding=UTF8 --locale=C.UTF-8 --pgdata="$PGDATA"
    rm -f /tmp/password
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE \"$POSTGRES_DB\"" | postgres --single -j -D "$PGDATA" postgres
fi
exec postgres -D "$PGDATA" -c listen_addresses='*'
