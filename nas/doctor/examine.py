"""Examine all parts of an installation, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from nas.doctor.finding import Finding, Level
from nas.doctor.machine import folders, registrations, versions
from nas.doctor.record import record
from nas.doctor.service import ray, service
from nas.settings import read_settings
from nas.user_paths import in_words


def examine() -> Iterator[Finding]:
    """Examine the installation that the environment and `config.yaml` describe.

    Yields:
        What was found, in the order in which the parts depend on each other. Without settings nothing else is examined.
    """
    yield from versions()
    try:
        settings = read_settings()
        home = settings.folder
    except ValueError as error:
        yield Finding("settings", Level.WRONG, str(error))
        return
    yield Finding("settings", Level.OK, f"home folder {home}")
    yield from _attempted("home", folders(settings))
    yield from _attempted("data sets", registrations(settings))
    answering = yield from service(settings)
    yield from _attempted("Ray", ray(settings, answering))
    yield from _attempted("database", record(settings, answering))


def _attempted(part: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """What cannot even be looked at, such as a folder that is closed to this user, is a finding too."""
    try:
        yield from findings
    except OSError as error:
        yield Finding(part, Level.WRONG, f"cannot be examined: {in_words(error)}")
