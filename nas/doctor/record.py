"""Examine the database: whether it can be opened, and whether the record keeps its invariants."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine

from nas.doctor.finding import Finding, Level
from nas.formatting import counted
from nas.settings import Settings
from nas.store import StoreError
from nas.store.audit import Audit
from nas.store.engine import make_engine, parse_url
from nas.store.schema import Schema
from nas.store.totals import Totals


def record(settings: Settings, answering: bool) -> Iterator[Finding]:
    """Say whether the database can be used, and which rules its rows break.

    Args:
        settings: Name the database.
        answering: Whether a service answers, which works on the searches that are not over.
    """
    try:
        url = parse_url(settings.store_url)
    except ValueError as error:
        yield Finding("database", Level.WRONG, str(error))
        return
    shown = url.render_as_string(hide_password=True)
    if url.drivername == "sqlite" and url.database and not Path(url.database).expanduser().exists():
        yield Finding("database", Level.NOTE, f"{shown} is not there yet: segnas serve makes it")
        return
    try:
        engine = make_engine(settings.store_url)
        try:
            Schema(engine, time.time).check()
            yield from _rows(engine, shown, answering)
        finally:
            engine.dispose()
    except StoreError as error:
        yield Finding("database", Level.WRONG, f"{shown}: {error}")


def _rows(engine: Engine, shown: str, answering: bool) -> Iterator[Finding]:
    audit = Audit(engine, time.time)
    counts = ", ".join(f"{count} {name}" for name, count in audit.counts().items())
    yield Finding("database", Level.OK, f"{shown}: {counts}")
    sound = True
    for broken in audit.broken():
        sound = False
        named = ", ".join(broken.examples) + (", ..." if broken.rows > len(broken.examples) else "")
        yield Finding("record", Level.WRONG, f"{broken.rows} {broken.rule}: {named}")
    for odd in Totals(engine, time.time).odd_totals():
        sound = False
        yield Finding("record", Level.WRONG, odd)
    if sound:
        yield Finding("record", Level.OK, "every rule holds")
    waiting = audit.unfinished()
    if waiting and not answering:
        yield Finding(
            "record",
            Level.NOTE,
            f"{counted(waiting, 'search is', 'searches are')} not over, and no service answers that works on them",
        )
