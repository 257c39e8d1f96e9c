#!/bin/sh
# Breaks the installation of docker-compose.yml in every way that one host allows, and looks whether anything was lost:
#
#   docker/chaos.sh [TRIALS]
#
# It needs the images (docker compose build), Docker with Compose v2, curl, and an hour at most. It runs beside an installation:
# a project of its own (segnas-chaos) with volumes, ports and secrets of its own, all of which it removes at its end. A
# search of TRIALS trials (60) goes on while workers, head, service and database are killed, crash, are scaled, taken away
# and taken down; then the record is backed up and restored, and upgraded from the schema of the version before.
# Exit code 0: every trial is there, once. KEEP=1 leaves everything running, to look at; FAULTS=0 leaves out the faults, and
# tries backup and upgrade alone.
set -eu
cd "$(dirname "$0")/.."
trials=${1:-60}
folder=$(mktemp -d)
export COMPOSE_PROJECT_NAME=segnas-chaos API_PORT="${API_PORT:-18000}" DASHBOARD_PORT="${DASHBOARD_PORT:-18265}"
export SECRETS="$folder/secrets" OUTPUT="$folder/output" RAY_WORKER_CPUS="${RAY_WORKER_CPUS:-1}"
# What an installation's .env may name instead: a folder of the host's data, into which this run would write.
export DATASETS_VOLUME=datasets RAY_HEAD_CPUS=0 LOG_FORMAT=text

say() { echo "$(date +%H:%M:%S) $*"; }
fail() { say "FAILED: $*"; exit 1; }
segnas() { docker compose run --rm -T segnas "$@" 2> /dev/null; }
sql() { docker compose exec -T postgres psql -U segnas -d segnas -Atc "$1"; }
ended() { sql "SELECT count(*) FROM trials WHERE search_id = '$search' AND finished_at IS NOT NULL"; }
is_healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$(docker compose ps -aq "$1" | head -n 1)")" = healthy ]; }

# await SECONDS WHAT COMMAND...: until the command succeeds
await() {
    until=$(($(date +%s) + $1))
    what=$2
    shift 2
    until "$@"; do
        [ "$(date +%s)" -lt "$until" ] || fail "$what"
        sleep 2
    done
}
# Compose gives up at once on a container that is unhealthy now, as the service is while the head comes back.
all_up() { docker compose up -d --wait --wait-timeout 120 --scale ray-worker="${workers:-1}" > "$folder/up.log" 2>&1; }
up() { await 1200 "the services do not become healthy" all_up; }
more_than() { [ "$(ended)" -gt "$1" ]; }
progress() { # another trial ends
    before=$(ended)
    [ "$before" -lt "$trials" ] || fail "the search was over before the faults were: ask for more than $trials trials"
    await 900 "no trial ended after: $fault" more_than "$before"
    say "  $(ended) of $trials trials have ended"
}
# fault WHAT COMMAND...: break something, bring everything up, and see the search go on
fault() {
    fault=$1
    shift
    say "$fault"
    "$@" > "$folder/fault.log" 2>&1 || { cat "$folder/fault.log"; fail "$fault: the command failed"; }
    up
    progress
}
# Programs that die by themselves. Process 1 is Docker's init, which ends with its child, and Docker starts the container
# again; in the database's container it is the server, which starts its children again and recovers.
crash() {
    docker compose exec -T "$1" sh -c 'for p in /proc/[0-9]*; do
        pid=${p#/proc/}; [ "$pid" != 1 ] && [ "$(cut -d" " -f4 "$p/stat" 2> /dev/null)" = 1 ] && kill -9 "$pid"; done; true' || true
    sleep 3
}
# A node that drains for longer than its grace period is killed by Docker, and its exit code says so.
stop_in_order() {
    docker compose stop "$1"
    code=$(docker inspect -f '{{.State.ExitCode}}' "$(docker compose ps -aq "$1" | head -n 1)")
    [ "$code" != 137 ] || { echo "$1 did not end within its grace period and was killed"; return 1; }
}
not_healthy() { ! is_healthy "$1"; }
database_away() {
    docker compose stop postgres
    await 120 "the service calls itself healthy while the database is away" not_healthy api
    sleep 30
}
down_and_up() { docker compose down; }
scale() { workers=$1; }

finish() {
    code=$?
    trap - EXIT INT TERM
    if [ "$code" != 0 ]; then
        tail -n 20 "$folder"/*.log 2> /dev/null || true
        docker compose logs --no-color --tail 60 2>&1 || true
    fi
    if [ "${KEEP:-}" = 1 ]; then
        say "left running: COMPOSE_PROJECT_NAME=$COMPOSE_PROJECT_NAME SECRETS=$SECRETS docker compose ..."
    else
        docker compose down --volumes --timeout 10 > /dev/null 2>&1 || true
        rm -rf "$folder"
    fi
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

mkdir -p "$SECRETS" "$OUTPUT"
chmod 1777 "$OUTPUT"
for name in segnas_token ray_auth_token; do od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > "$SECRETS/$name"; done
printf 'p@ss/w#rd:%%41 %s' "$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')" > "$SECRETS/postgres_password"

say "up, from empty volumes"
up
segnas data generate /data/scenes --images 256 --size 128x256 > /dev/null
# Trials of four times the example's length: they are to last for all the faults.
sed -e "s/^trials: .*/trials: $trials/" -e 's/^name: .*/name: chaos/' -e 's/rungs: .*/rungs: [600, 1200]/' \
    examples/scenes.yaml > "$OUTPUT/chaos.yaml"
reader=$(segnas token create reader --scope read)
search=$(segnas submit /output/chaos.yaml | grep -o 's[0-9a-f]\{12\}' | head -n 1)
say "search $search"
fault="submission"
progress

if [ "${FAULTS:-1}" = 1 ]; then
    fault "a worker is killed" docker compose kill ray-worker
    fault "a worker's Ray crashes" crash ray-worker
    fault "a busy worker is stopped" stop_in_order ray-worker
    fault "the service is killed" docker compose kill api
    fault "the service crashes" crash api
    fault "the database is killed" docker compose kill postgres
    fault "the database crashes" crash postgres
    fault "the head is killed" docker compose kill ray-head
    fault "the head's Ray crashes" crash ray-head
    fault "the head is stopped" stop_in_order ray-head
    fault "two workers instead of one" scale 2
    fault "one worker instead of two" scale 1
    fault "the database is away for half a minute" database_away
    fault "down, and up" down_and_up
fi

say "to the end"
over() { sql "SELECT status FROM searches WHERE id = '$search'" | grep -qx 'completed\|failed\|stopped'; }
await 3600 "the search does not end" over
status=$(sql "SELECT status FROM searches WHERE id = '$search'")
[ "$status" = completed ] || fail "the search is $status"
numbers=$(sql "SELECT count(*), count(DISTINCT number), min(number), max(number) FROM trials WHERE search_id = '$search'")
[ "$numbers" = "$trials|$trials|0|$((trials - 1))" ] || fail "trials, distinct numbers, first, last: $numbers"
good=$(sql "SELECT count(*) FROM trials WHERE search_id = '$search' AND status IN ('completed', 'pruned')")
[ "$good" = "$trials" ] || fail "$((trials - good)) trials failed"
say "  $trials trials, each once, none failed; drivers: $(sql "SELECT attempt FROM searches WHERE id = '$search'")"

answers() { segnas show "$search" --json; segnas trials "$search" --json; }
reads() { curl -sSf -o /dev/null -H "Authorization: Bearer $reader" "http://127.0.0.1:$API_PORT/v1/searches/$search"; }
reads || fail "the token that was made before the faults is refused"
answers > "$folder/before.json"
segnas export "$search" -o best.json > /dev/null
[ -s "$OUTPUT/best.json" ] || fail "export -o wrote nothing"

say "backup and restore"
docker compose exec -T postgres pg_dump -U segnas --format=custom segnas > "$folder/segnas.dump"
docker compose stop api ray-head > /dev/null 2>&1
sql "SET client_min_messages = warning; TRUNCATE searches, tokens CASCADE" > /dev/null
docker compose exec -T postgres pg_restore -U segnas -d segnas --clean --if-exists < "$folder/segnas.dump"
up
answers > "$folder/restored.json"
cmp "$folder/before.json" "$folder/restored.json" || fail "the restored record answers otherwise"
reads || fail "a token of the restored record is refused"

say "upgrade from the schema of the version before"
docker compose stop api ray-head > /dev/null 2>&1
docker compose run --rm -T --no-deps --entrypoint python api -P -c '
from nas.settings import Settings
from nas.store import Store
from nas.store.schema import revisions
with Store.open(Settings().store_url) as store:
    store.downgrade(revisions()[1])
' > /dev/null
older=$(sql "SELECT version_num FROM alembic_version")
up
[ "$(sql "SELECT version_num FROM alembic_version")" != "$older" ] || fail "the service did not upgrade the database"
answers > "$folder/upgraded.json"
cmp "$folder/before.json" "$folder/upgraded.json" || fail "the upgraded record answers otherwise"
reads || fail "a token of the upgraded record is refused"

say "passed"
