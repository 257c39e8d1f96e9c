"""One finding of an examination."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a finding is to be taken: `ok`; `note`: worth knowing; `wrong`: something has to be done."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """What was found of one part of an installation.

    Attributes:
        part: The part that was examined: versions, settings, home, data sets, weights, database, record, service, Ray.
        level: How the finding is to be taken.
        message: The finding in a sentence.
    """

    part: str
    level: Level
    message: str
