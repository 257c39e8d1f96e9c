"""What others rely on: REST paths, commands, environment variables. A change here is a change for every user."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from api.app import create_app
from nas import setting_sources
from nas.cli.app import app
from nas.settings import Settings

REST = """
GET  /v1/access
GET  /v1/calibrations
POST /v1/calibrations
GET  /v1/calibrations/{search_id}
GET  /v1/comparison
POST /v1/dashboard
GET  /v1/datasets
GET  /v1/first-search
GET  /v1/healthz
GET  /v1/readyz
GET  /v1/searches
POST /v1/searches
DELETE /v1/searches/{search_id}
GET  /v1/searches/{search_id}
PATCH /v1/searches/{search_id}
GET  /v1/searches/{search_id}/best
GET  /v1/searches/{search_id}/confirmation
POST /v1/searches/{search_id}/confirmation
GET  /v1/searches/{search_id}/events
POST /v1/searches/{search_id}/extend
POST /v1/searches/{search_id}/full-scale
GET  /v1/searches/{search_id}/heads
GET  /v1/searches/{search_id}/logs
GET  /v1/searches/{search_id}/panels
GET  /v1/searches/{search_id}/pareto
POST /v1/searches/{search_id}/pause
GET  /v1/searches/{search_id}/ranking
GET  /v1/searches/{search_id}/report
POST /v1/searches/{search_id}/resume
GET  /v1/searches/{search_id}/snapshots
GET  /v1/searches/{search_id}/snapshots/{run}/{epoch}
GET  /v1/searches/{search_id}/snapshots/{run}/{epoch}/drawing
POST /v1/searches/{search_id}/stop
GET  /v1/searches/{search_id}/trials
GET  /v1/searches/{search_id}/trials/{number}
GET  /v1/searches/{search_id}/trials/{number}/drawing
GET  /v1/searches/{search_id}/trials/{number}/panels
GET  /v1/searches/{search_id}/trials/{number}/predictions
GET  /v1/searches/{search_id}/trials/{number}/predictions/{place}/{layer}
GET  /v1/searches/{search_id}/worth
POST /v1/searches/{search_id}/worth
GET  /v1/spaces
GET  /v1/tokens
POST /v1/tokens
DELETE /v1/tokens/{token_id}
GET  /v1/tokens/{token_id}
PATCH /v1/tokens/{token_id}
"""

PAGES = ("/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics", "/static/app.js")
"""Not in the OpenAPI document."""

COMMANDS = """
bench export ID... --description --json --latency --licence --name --output -o
bench info FILE --card --json
bench merge FILE... --json --name --output -o
bench query FILE HEAD --dataset --json --rung --seed
bench top FILE --count --dataset --json --rung -n
cache ls --cache --json
cache prune --cache --dry-run --json --size --unused-for
cache verify --cache --json
calibrate SPEC.YAML --dry-run --json --key --watch
calibration ID --json --plot
compare ID... --json
confirm ID --json --key --learning-rates --name --references --seeds --top --trials --watch
confirmation ID --json
dashboard --json --print
data add NAME DIR --classes --ignore --image-folder --image-suffix --images --json --layout --map --mask-folder \
--mask-suffix --mosaic --read --reduce-zero-label --replace --seed --split --val
data generate DIR --images --json --seed --size --val-images
data inspect NAME|DIR --images --json --mosaic
data list --json
data remove NAME --json
delete ID --json --yes -y
doctor --json
draw FILE --fidelity --json --output -o
edit ID --json --name --notes --tag --untag
export ID --format --json --onnx --output --pareto --trial -o
extend ID --json --seeds --trials --watch
full-scale ID --fidelity --json --key --name --seeds --stratified --top --trials --watch
heads ID --json
init [DATASET] --json --spec
latency FILE --device --json --runs --threads
logs ID --json --tail
pareto ID --json
pause ID --json
published --dataset --json
rank ID --full-scale --json --plot
report ID --json --output -o
resume ID --json --retry-failed --watch
retrain FILE --augment --dataset --device --evaluate --fidelity --flip --json --log --onnx --onnx-input --output \
--processes --scales --seed --threads --weights
searches --json --owner --tag
serve --host --keep-ray --port --root-path
show ID --json
snapshots ID --json --run
stop ID --json
submit SPEC.YAML --dry-run --json --key --measure --patience --warm-start --watch
token create NAME --device-hours --json --requests-per-minute --scope --valid-days
token limit NAME|ID --device-hours --json --requests-per-minute
token list --json
token revoke NAME|ID --json
trials ID --csv --json --sort --top
watch ID --json --patience
weights add NAME FILE --input-range --input-space --json --mean --replace --std
weights list --json
weights remove NAME --json
worth SPEC.YAML --dry-run --json
"""

ENVIRONMENT = """
SEGNAS_CORS_ORIGINS
SEGNAS_DASHBOARD_PORT
SEGNAS_DASHBOARD_SIGN_IN
SEGNAS_DATABASE_PASSWORD
SEGNAS_DATABASE_URL
SEGNAS_DATASETS
SEGNAS_HOME
SEGNAS_HOST
SEGNAS_HUB
SEGNAS_LOG_FORMAT
SEGNAS_MAX_DRIVER_ATTEMPTS
SEGNAS_METRICS_TOKEN
SEGNAS_NATIVE
SEGNAS_PORT
SEGNAS_PUBLIC_URL
SEGNAS_RAY_CA
SEGNAS_RAY_DASHBOARD
SEGNAS_RAY_DASHBOARD_PUBLIC
SEGNAS_RECONCILE_SECONDS
SEGNAS_ROOT_PATH
SEGNAS_STORAGE
SEGNAS_TOKEN
SEGNAS_WEIGHTS
"""

SECRETS = """
SEGNAS_DATABASE_PASSWORD_FILE
SEGNAS_DATABASE_URL_FILE
SEGNAS_METRICS_TOKEN_FILE
SEGNAS_TOKEN_FILE
"""
"""Name files, in which the secrets stand."""

OTHER_VARIABLES = """
SEGNAS_RAY_CLUSTER
SEGNAS_URL
"""
"""No settings of a service: every other variable SEGNAS_* is refused."""


def test_rest_paths(home):
    paths = create_app(home).openapi()["paths"]
    found = [f"{method.upper():<4} {path}" for path, item in paths.items() for method in item]
    assert "\n".join(sorted(found, key=lambda line: (line.split()[1], line))) == REST.strip()


def test_pages(service):
    for page in PAGES:
        assert service.http.get(page).status_code in (200, 503), page


def test_commands():
    root = typer.main.get_command(app)
    lines = sorted(_describe(name, command) for name, command in _commands("", root))
    assert "\n".join(lines) == COMMANDS.strip()


def _commands(prefix: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(f"{prefix}{name} ", command)
        else:
            yield f"{prefix}{name}", command


def _describe(name: str, command: Any) -> str:
    arguments = [(p.metavar or p.name).upper() for p in command.params if p.param_type_name == "argument"]
    options = sorted(option for p in command.params if p.param_type_name == "option" for option in p.opts)
    return " ".join([name, *arguments, *options])


def test_environment():
    assert sorted(setting_sources.OTHER_VARIABLES) == OTHER_VARIABLES.split()
    assert sorted(f"SEGNAS_{name.upper()}" for name in Settings.model_fields) == ENVIRONMENT.split()
    files = [f"SEGNAS_{name.upper()}_FILE" for name in setting_sources.secret_names(Settings)]
    assert sorted(files) == SECRETS.split()
