"""Renders the report of a search as one HTML file that needs nothing else: no script, no network, no other file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from importlib.metadata import version

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from nas.drawing.drawing import Drawing
from nas.drawing.palette import PALETTE, ROOT_CLASS
from nas.drawing.palette import STYLESHEET as DRAWINGS
from nas.escaping import one_line
from nas.kinds.registry import kind_of
from nas.report.charts import bars_chart, intervals_chart, lines_chart, scatter_chart, spans_chart
from nas.report.sections import ClassNames, Making, Section, made_now, sections
from nas.store import SearchRecord, Store


def report(search: SearchRecord, store: Store, class_names: ClassNames, making: Making = made_now) -> str:
    """Write the report of a search, from what is recorded so far.

    Args:
        search: The search, of any kind and status.
        store: Holds its results.
        class_names: Names the classes that the best trial was measured on.
        making: Gives the panels that take long to make.

    Returns:
        An HTML document in light or dark as its reader prefers. Everything that a user wrote is escaped.
    """
    return render(search, sections(search, store, class_names, making), datetime.now(UTC))


def render(search: SearchRecord, content: Sequence[Section], now: datetime) -> str:
    """Write the report of a search with these sections, as of a time."""
    kind = kind_of(search.spec)
    text = _template().render(
        search=search,
        created=datetime.fromtimestamp(search.created_at, UTC),
        method=kind.method(search.spec),
        question=kind.question(search.spec),
        sections=content,
        now=now,
        version=version("segnas"),
        policy=policy(),
    )
    return text.lstrip()  # the macros leave empty lines


@cache
def policy() -> str:
    """The report's content security policy: no script, no request, and its own two stylesheets alone."""
    return f"default-src 'none'; img-src data:; style-src {_hash(stylesheet())} {_hash(DRAWINGS)}; base-uri 'none'"


@cache
def stylesheet() -> str:
    """The stylesheet of the report's text, tables and charts; on paper, drawings are light for every reader."""
    light = (
        f"main .{ROOT_CLASS} .{way}-{role}{{{attribute}:{shades.light}}}"
        for role, shades in PALETTE.items()
        for way, attribute in (("f", "fill"), ("s", "stroke"))
    )
    written = resources.files("nas.report").joinpath("report.css").read_text("utf-8")
    return f"{written}@media print{{{''.join(light)}}}\n"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("nas.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "lines_chart": lines_chart,
        "scatter_chart": scatter_chart,
        "spans_chart": spans_chart,
        "bars_chart": bars_chart,
        "intervals_chart": intervals_chart,
        "stylesheet": Markup(stylesheet()),  # noqa: S704  a file of this package
    }
    environment.filters |= {"drawn": _drawn, "one_line": one_line}
    return environment.get_template("report.html")


def _drawn(drawing: Drawing) -> Markup:
    return Markup(drawing.svg)  # noqa: S704  ElementTree has escaped every text of a drawing
