"""Examples that this service accepts as they are: specs on its first data set, curl lines to paste."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nas.first_search import first_request
from nas.settings import Settings
from nas.specs import (
    BlackBoxSpec,
    CalibrationSpec,
    ConfirmationRequest,
    EditRequest,
    ExtendRequest,
    FullScaleRequest,
)
from nas.specs.tokens import LimitsRequest, TokenRequest
from search_spaces import PUBLISHED_CELL, write_deeplab, write_document

_NEWEST = (
    "{variable}=$(curl -s {auth}'{base}/v1/searches?limit=1{kind}' | "
    'python3 -c \'import json, sys; print(json.load(sys.stdin)["items"][0]["id"])\')\n'
)
"""Shell code that puts the newest search's id into a variable."""

_NEWEST_ID = (
    "TOKEN_ID=$(curl -s {auth}{base}/v1/tokens | "
    "python3 -c 'import json, sys; print(json.load(sys.stdin)[0][\"id\"])')\n"
)
"""Shell code that puts the newest token's id into a variable."""

_VARIABLES = {
    "ID": "",
    "AUTO_DEEPLAB": "&kind=auto_deeplab",
    "REFERENCE": "&kind=reference",
    "CALIBRATION": "&kind=calibration",
    "BLACK_BOX": "&kind=black_box",
}
"""The query by which each variable of the lines below finds its search: the newest one of a kind."""

CURL: dict[tuple[str, str], str] = {
    ("post", "/v1/searches"): (
        "curl -s {auth}{base}/v1/searches -H 'Content-Type: application/json' "
        "-H \"Idempotency-Key: $(date +%s)\" -d '{spec}'"
    ),
    ("get", "/v1/searches"): "curl -s {auth}'{base}/v1/searches?limit=10'",
    ("get", "/v1/comparison"): "curl -s {auth}'{base}/v1/comparison?search='$BLACK_BOX'&search='$REFERENCE",
    ("get", "/v1/searches/{search_id}"): "curl -s {auth}{base}/v1/searches/$ID",
    ("post", "/v1/searches/{search_id}/stop"): "curl -s {auth}-X POST {base}/v1/searches/$ID/stop",
    ("post", "/v1/searches/{search_id}/pause"): "curl -s {auth}-X POST {base}/v1/searches/$ID/pause",
    ("post", "/v1/searches/{search_id}/resume"): "curl -s {auth}-X POST {base}/v1/searches/$ID/resume",
    ("post", "/v1/searches/{search_id}/extend"): (
        "curl -s {auth}{base}/v1/searches/$BLACK_BOX/extend -H 'Content-Type: application/json' -d '{extend}'"
    ),
    ("patch", "/v1/searches/{search_id}"): (
        "curl -s {auth}-X PATCH {base}/v1/searches/$ID -H 'Content-Type: application/json' -d '{edit}'"
    ),
    ("delete", "/v1/searches/{search_id}"): "curl -s {auth}-X DELETE {base}/v1/searches/$ID",
    ("get", "/v1/searches/{search_id}/events"): "curl -sN {auth}{base}/v1/searches/$ID/events",
    ("get", "/v1/searches/{search_id}/logs"): 'curl -s {auth}"{base}/v1/searches/$ID/logs?tail=50"',
    ("get", "/v1/searches/{search_id}/trials"): (
        'curl -s {auth}"{base}/v1/searches/$ID/trials?order_by=-score&status=completed&limit=10"'
    ),
    ("get", "/v1/searches/{search_id}/pareto"): "curl -s {auth}{base}/v1/searches/$ID/pareto",
    ("get", "/v1/searches/{search_id}/trials/{number}"): "curl -s {auth}{base}/v1/searches/$ID/trials/0",
    ("get", "/v1/searches/{search_id}/trials/{number}/panels"): "curl -s {auth}{base}/v1/searches/$ID/trials/0/panels",
    ("get", "/v1/searches/{search_id}/trials/{number}/drawing"): (
        "curl -s {auth}{base}/v1/searches/$ID/trials/0/drawing"
    ),
    ("get", "/v1/searches/{search_id}/trials/{number}/predictions"): (
        "curl -s {auth}{base}/v1/searches/$ID/trials/0/predictions"
    ),
    ("get", "/v1/searches/{search_id}/trials/{number}/predictions/{place}/{layer}"): (
        "curl -s {auth}{base}/v1/searches/$ID/trials/0/predictions/0/prediction -o prediction.png"
    ),
    ("get", "/v1/searches/{search_id}/best"): 'curl -s {auth}"{base}/v1/searches/$ID/best?format=deeplab"',
    ("get", "/v1/searches/{search_id}/panels"): "curl -s {auth}{base}/v1/searches/$ID/panels",
    ("get", "/v1/searches/{search_id}/report"): "curl -s {auth}{base}/v1/searches/$ID/report",
    ("get", "/v1/searches/{search_id}/snapshots"): "curl -s {auth}{base}/v1/searches/$AUTO_DEEPLAB/snapshots",
    ("get", "/v1/searches/{search_id}/snapshots/{run}/{epoch}"): (
        "curl -s {auth}{base}/v1/searches/$AUTO_DEEPLAB/snapshots/0/1"
    ),
    ("get", "/v1/searches/{search_id}/snapshots/{run}/{epoch}/drawing"): (
        "curl -s {auth}{base}/v1/searches/$AUTO_DEEPLAB/snapshots/0/1/drawing"
    ),
    ("get", "/v1/searches/{search_id}/heads"): "curl -s {auth}{base}/v1/searches/$REFERENCE/heads",
    ("post", "/v1/searches/{search_id}/full-scale"): (
        "curl -s {auth}{base}/v1/searches/$BLACK_BOX/full-scale -H 'Content-Type: application/json' -d '{full_scale}'"
    ),
    ("get", "/v1/searches/{search_id}/ranking"): "curl -s {auth}{base}/v1/searches/$BLACK_BOX/ranking",
    ("post", "/v1/searches/{search_id}/confirmation"): (
        "curl -s {auth}{base}/v1/searches/$BLACK_BOX/confirmation -H 'Content-Type: application/json' "
        "-d '{confirmation}'"
    ),
    ("get", "/v1/searches/{search_id}/confirmation"): "curl -s {auth}{base}/v1/searches/$BLACK_BOX/confirmation",
    ("post", "/v1/searches/{search_id}/worth"): "curl -s {auth}-X POST {base}/v1/searches/$BLACK_BOX/worth",
    ("get", "/v1/searches/{search_id}/worth"): "curl -s {auth}{base}/v1/searches/$BLACK_BOX/worth",
    ("post", "/v1/calibrations"): (
        "curl -s {auth}{base}/v1/calibrations -H 'Content-Type: application/json' -d '{calibration}'"
    ),
    ("get", "/v1/calibrations"): "curl -s {auth}'{base}/v1/calibrations?limit=10'",
    ("get", "/v1/calibrations/{search_id}"): "curl -s {auth}{base}/v1/calibrations/$CALIBRATION",
    ("get", "/v1/spaces"): "curl -s {auth}{base}/v1/spaces",
    ("get", "/v1/datasets"): "curl -s {auth}{base}/v1/datasets",
    ("get", "/v1/first-search"): "curl -s {auth}{base}/v1/first-search",
    ("get", "/v1/access"): "curl -s {auth}{base}/v1/access",
    ("post", "/v1/tokens"): ("curl -s {auth}{base}/v1/tokens -H 'Content-Type: application/json' -d '{token}'"),
    ("get", "/v1/tokens"): "curl -s {auth}{base}/v1/tokens",
    ("get", "/v1/tokens/{token_id}"): "curl -s {auth}{base}/v1/tokens/$TOKEN_ID",
    ("patch", "/v1/tokens/{token_id}"): (
        "curl -s {auth}-X PATCH {base}/v1/tokens/$TOKEN_ID -H 'Content-Type: application/json' -d '{limits}'"
    ),
    ("delete", "/v1/tokens/{token_id}"): "curl -s {auth}-X DELETE {base}/v1/tokens/$TOKEN_ID",
    ("post", "/v1/dashboard"): "curl -s {auth}-X POST {base}/v1/dashboard",
    ("get", "/v1/healthz"): "curl -s {base}/v1/healthz",
    ("get", "/v1/readyz"): "curl -s {auth}{base}/v1/readyz",
}
"""A line to paste for each operation; `curl` puts the code that finds the search before it."""


def example_spec(settings: Settings) -> dict[str, Any]:
    """Make the request of a first search on the first registered data set."""
    request = first_request(next(iter(settings.registered_datasets), "scenes"))
    BlackBoxSpec.model_validate(request)
    return request


def example_full_scale(settings: Settings) -> dict[str, Any]:
    """Make the request to measure four architectures of such a search with the backbone trained end to end."""
    request = {"choose": {"how": "stratified", "count": 4}, "seeds": 1, "fidelity": _full_scale(settings)}
    FullScaleRequest.model_validate(request)
    return request


def example_confirmation(_: Settings) -> dict[str, Any]:
    """Make the request to confirm the two best architectures of a search beside two heads of the textbooks."""
    request = {
        "choose": {"how": "top", "count": 2},
        "seeds": 2,
        "references": ["published_dpc", {"kind": "reference_head", "name": "aspp", "channels": 16}],
    }
    ConfirmationRequest.model_validate(request)
    return request


def example_calibration(settings: Settings) -> dict[str, Any]:
    """Make the spec of a calibration of two proxies, one with half the iterations of the other."""
    proxy = example_spec(settings)["fidelity"]
    spec = {
        "kind": "calibration",
        "name": "which-proxy",
        "space": {"kind": "dense_cell", "branches": 5},
        "architectures": 12,
        "least_rho": 0.5,
        "proxies": {"long": proxy, "short": {**proxy, "rungs": [150]}},
        "full_scale": _full_scale(settings),
    }
    CalibrationSpec.model_validate(spec)
    return spec


def example_extend(_: Settings) -> dict[str, Any]:
    """Make the request to give such a search twice as many trials."""
    request = {"trials": 24}
    ExtendRequest.model_validate(request)
    return request


def example_edit(_: Settings) -> dict[str, Any]:
    """Make the request to name, annotate and mark a search."""
    request = {"name": "narrow heads", "notes": "Before the camera was moved.", "tags": ["camera-1", "baseline"]}
    EditRequest.model_validate(request)
    return request


def example_token(_: Settings) -> dict[str, Any]:
    """Make the request of a token for somebody who starts searches, for three months."""
    request = {"name": "alice", "scope": "submit", "valid_days": 90, "device_hours": 200.0}
    TokenRequest.model_validate(request)
    return request


def example_limits(_: Settings) -> dict[str, Any]:
    """Make the request to give such a token more to spend, and to limit how often it asks."""
    request = {"device_hours": 300.0, "requests_per_minute": 600}
    LimitsRequest.model_validate(request)
    return request


def _full_scale(settings: Settings) -> dict[str, Any]:
    proxy = example_spec(settings)["fidelity"]
    return {**proxy, "backbone": {**proxy["backbone"], "frozen": False}, "rungs": [600]}


EXAMPLES: dict[str, Callable[[Settings], dict[str, Any]]] = {
    "spec": example_spec,
    "full_scale": example_full_scale,
    "confirmation": example_confirmation,
    "calibration": example_calibration,
    "extend": example_extend,
    "edit": example_edit,
    "token": example_token,
    "limits": example_limits,
}
"""The bodies that the lines send, by the name of their placeholder."""


def curl(settings: Settings, line: str) -> str:
    """Fill in a line of `CURL`.

    Args:
        settings: The service's: its address, its data sets and whether it has a token.
        line: The line with its placeholders.

    Returns:
        Shell code to paste; the token, where one is needed, is read from the environment.
    """
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104  compared, not bound
    base = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    auth = '-H "Authorization: Bearer $SEGNAS_TOKEN" ' if settings.token is not None else ""
    text = line
    for variable, kind in _VARIABLES.items():
        if f"${variable}" in line:
            text = _NEWEST.replace("{variable}", variable).replace("{kind}", kind) + text
    if "$TOKEN_ID" in line:
        text = _NEWEST_ID + text
    text = text.replace("{base}", base).replace("{auth}", auth)
    for name, example in EXAMPLES.items():
        text = text.replace(f"{{{name}}}", readable(example(settings)))
    return text


def readable(value: Any) -> str:
    """Write a mapping as JSON with each of its items on a line of its own."""
    lines, indent = ["{"], "  "
    for index, (key, item) in enumerate(value.items()):
        comma = "," if index < len(value) - 1 else ""
        lines.append(f"{indent}{json.dumps(key)}: {json.dumps(item)}{comma}")
    return "\n".join([*lines, "}"])


def add_examples(document: dict[str, Any], settings: Settings) -> None:
    """Add a curl line to every operation, and an example to every request body and architecture document."""
    for (method, path), line in CURL.items():
        operation = document["paths"][path][method]
        operation["x-codeSamples"] = [{"lang": "Shell", "label": "curl", "source": curl(settings, line)}]
        for parameter in operation.get("parameters", ()):
            if parameter["name"] == "search_id":
                parameter["example"] = "s0123456789ab"
    for method, path, example in (
        ("post", "/v1/searches", example_spec),
        ("post", "/v1/searches/{search_id}/full-scale", example_full_scale),
        ("post", "/v1/searches/{search_id}/confirmation", example_confirmation),
        ("post", "/v1/searches/{search_id}/extend", example_extend),
        ("patch", "/v1/searches/{search_id}", example_edit),
        ("post", "/v1/calibrations", example_calibration),
        ("post", "/v1/tokens", example_token),
        ("patch", "/v1/tokens/{token_id}", example_limits),
    ):
        body = document["paths"][path][method]["requestBody"]["content"]["application/json"]
        body["example"] = example(settings)
    best = document["paths"]["/v1/searches/{search_id}/best"]["get"]["responses"]["200"]["content"]["application/json"]
    best["examples"] = {
        "segnas": {"value": write_document(PUBLISHED_CELL)},
        "deeplab": {"value": write_deeplab(PUBLISHED_CELL)},
    }
