"""The panel of what a trial came from, and of which other trials have its architecture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nas.formatting import score
from nas.schemas.panels import LinkPublic, LinksPanel


class Relative(NamedTuple):
    """A search, or one of its trials: `text` says how a trial is related to it, and ends where its name follows.

    Attributes:
        score: Of the trial, where it has one.
    """

    text: str
    search: str
    number: int | None = None
    score: float | None = None


def relatives_panel(relatives: Sequence[Relative]) -> LinksPanel:
    """Make the panel of a trial's relatives, of which there is at least one."""
    return LinksPanel(title="Where it comes from", links=tuple(map(_link, relatives)))


def _link(relative: Relative) -> LinkPublic:
    text = relative.text[:1].upper() + relative.text[1:]
    if relative.number is None:
        return LinkPublic(text=text, link=f"search {relative.search}", target=f"#/{relative.search}")
    reached = "" if relative.score is None else f" ({score(relative.score)})"
    return LinkPublic(
        text=text,
        link=f"trial {relative.number} of {relative.search}{reached}",
        target=f"#/{relative.search}/{relative.number}",
    )
