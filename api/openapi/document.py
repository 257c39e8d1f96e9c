"""The OpenAPI document: the one that FastAPI makes, completed by unions, errors and examples."""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.openapi.examples import add_examples
from api.openapi.problems import add_problems
from api.openapi.unions import describe_unions
from nas.settings import Settings

DESCRIPTION = """
Neural architecture search for semantic segmentation. `POST /v1/searches` starts a search, its trials run on a Ray
cluster, `GET /v1/searches/{search_id}/best` gives the best architecture so far as JSON.

Errors are `application/problem+json` (RFC 9457): `detail` is a sentence, `errors` name the path of each wrong field.
"""

_TAGS = [
    {"name": "searches", "description": "Start a search, follow it, stop it, go on with it, delete it."},
    {"name": "snapshots", "description": "The architectures that a differentiable search decodes to, epoch by epoch."},
    {"name": "references", "description": "Reference heads (ASPP, PPM and others), compared in one table."},
    {"name": "trials", "description": "What a search has measured, and the best architecture."},
    {"name": "panels", "description": "Charts and tables of a search, ready to be drawn."},
    {
        "name": "rankings",
        "description": "How well a search's scores predict the order of its architectures at full scale.",
    },
    {"name": "confirmations", "description": "Whether what a search found is better than heads of the textbooks."},
    {"name": "calibrations", "description": "The cheapest proxy that orders architectures as full scale does."},
    {"name": "catalogue", "description": "The search spaces and the data sets that a search can name."},
    {"name": "tokens", "description": "Who may do what: tokens, their scopes and limits."},
    {"name": "health", "description": "Whether the service works. These routes need no token."},
]


def operation_id(route: APIRoute) -> str:
    """Name an operation after the route's function, so that generated clients have readable method names."""
    return route.name


def install(app: FastAPI, settings: Settings) -> None:
    """Make the application answer /openapi.json with this document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes, tags=_TAGS
            )
            _order_parameters(schema)
            describe_unions(schema)
            add_problems(schema, settings)
            add_examples(schema, settings)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to extend the schema


def _order_parameters(document: dict[str, Any]) -> None:
    """Put path parameters first, in the order of the path: generated methods have them as positional parameters."""
    for path, item in document["paths"].items():
        places = {name: place for place, name in enumerate(re.findall(r"{(\w+)}", path))}
        for operation in item.values():
            if "parameters" in operation:
                operation["parameters"].sort(key=lambda parameter: places.get(parameter["name"], len(places)))
