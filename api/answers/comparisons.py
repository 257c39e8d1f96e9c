"""Makes the REST interface's answer of searches side by side."""

from __future__ import annotations

from collections.abc import Sequence

from api.answers.base import answer
from api.answers.searches import best_confirmed_public
from nas.comparison.measured import obstacles, sentences
from nas.comparison.panels import comparison_panels
from nas.comparison.searches import ComparedSearch
from nas.comparison.settings import MOST_SETTINGS, differing_settings
from nas.kinds.registry import kind_of
from nas.schemas.comparisons import ComparedPublic, ComparisonPublic, SettingPublic, StepPublic, WinnerPublic
from search_spaces.text import architecture_text, short_text


def comparison_public(compared: Sequence[ComparedSearch]) -> ComparisonPublic:
    """Make the answer of some searches, in their order."""
    settings = differing_settings([one.search.spec for one in compared])
    measured = [one.measured for one in compared if one.measured is not None]
    return ComparisonPublic(
        searches=tuple(_compared(one) for one in compared),
        comparable=not obstacles(measured),
        notes=tuple(sentences(measured)),
        settings=tuple(SettingPublic(path=path, values=values) for path, values in settings[:MOST_SETTINGS]),
        panels=comparison_panels(compared, settings),
    )


def _compared(one: ComparedSearch) -> ComparedPublic:
    search, kind = one.search, kind_of(one.search.spec)
    return answer(
        ComparedPublic,
        search,
        method=kind.method(search.spec),
        dataset=kind.dataset(search.spec),
        objective=one.objective,
        trials=one.trials,
        cost=one.overview.cost,
        winner=_winner(one),
        steps=tuple(
            StepPublic(trials=step.trials, device_seconds=one.run_seconds + step.device_seconds, value=step.value)
            for step in one.steps
        ),
    )


def _winner(one: ComparedSearch) -> WinnerPublic | None:
    best, path = one.best, f"/v1/searches/{one.search.id}"
    if best is not None:
        return answer(
            WinnerPublic,
            best,
            trial=best.number,
            value=best.standing[1] if best.standing else None,
            confirmed=None if one.confirmed is None else best_confirmed_public(one.confirmed),
            rung=None if one.measured is None else one.measured.rung,
            drawing=f"{path}/trials/{best.number}/drawing",
        )
    if one.snapshot is None:
        return None
    return WinnerPublic(
        trial=None,
        text=architecture_text(one.snapshot.architecture),
        short_text=short_text(one.snapshot.architecture),
        value=None,
        score=None,
        rung=None,
        parameters=None,
        multiply_adds=None,
        latency=None,
        device_seconds=one.snapshot.snapshot.device_seconds,
        drawing=f"{path}/snapshots/{one.snapshot.run}/{one.snapshot.snapshot.epoch}/drawing",
    )
