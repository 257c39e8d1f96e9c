"""Examine all parts of an installation, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from nas.doctor.finding import Finding, Level
from nas.doctor.machine import folders, registrations, versions
from nas.doctor.record import record
from nas.doctor.service import ray, service
from nas.settings import read_settings


def examine() -> Iterator[Finding]:
    """Examine the installation that the environment and `config.yaml` describe.

    Yields:
        What was found, in the order in which the parts depend on each other. Without settings nothing else is examined.
    """
    yield from versions()
    try:
        settings = read_settings()
    except ValueError as error:
        yield Finding("settings", Level.WRONG, str(error))
        return
    yield Finding("settings", Level.OK, f"home folder {settings.folder}")
    yield from folders(settings)
    yield from registrations(settings)
    answering = yield from service(settings)
    yield from ray(settings, answering)
    yield from record(settings, answering)
