"""Whether a search is worth it: what its probe has said so far, or what it costs to ask."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from api.stale_cache import Found, StaleCache
from nas.forecast import forecast_public
from nas.formatting import duration
from nas.kinds.reference import KIND as REFERENCE
from nas.panels.worth import answer_panels, ask_panel, go_on_panel, unanswered_panels, waiting_panels
from nas.ranking.reference_table import reference_table
from nas.results.actions import SearchAction, Share, actions
from nas.results.status import SearchStatus, TrialStatus
from nas.schemas.panels import Panel
from nas.schemas.references import ReferencePublic
from nas.schemas.worth import WorthPublic
from nas.specs import JobSpec, ReferenceSpec
from nas.store import SearchRecord, Store
from search_spaces.validation import InputError

Panels = tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """The question whether a search is worth it.

    Attributes:
        spec: The search that is asked about, with its names resolved.
        probe: The search that finds it out.
        key: By which the probe is found again, whoever asks.
        asked: The probe as it was started; None where nobody has asked yet.
    """

    spec: JobSpec
    probe: ReferenceSpec
    key: str
    asked: SearchRecord | None


class Known(NamedTuple):
    """What is known of a search's worth.

    Attributes:
        text: That in a sentence.
        worth: The answer; None before there is one.
        panels: What a page shows: the question with a button, how far its probe is, or the answer as a picture.
    """

    text: str
    worth: WorthPublic | None
    panels: Panels


def question_about(spec: JobSpec, store: Store) -> Question:
    """Find out whether it was asked what a search is worth.

    Args:
        spec: The search, with its names resolved.
        store: Has the probes of earlier questions.

    Raises:
        InputError: Nobody can ask that of such a search.
    """
    # Imported here, since it imports numpy: a third of the service's start time.
    from nas.worth import probe_key, worth_probe

    probe = worth_probe(spec)
    key = probe_key(probe)
    asked = store.find_keyed(key)
    # Anybody may use any key.
    return Question(spec, probe, key, None if asked is None or REFERENCE.own(asked.spec) is None else asked)


def known_worth(spec: JobSpec, store: Store, path: str) -> Known | None:
    """Say what is known of the worth of a search that is not started; None where nobody can ask.

    Args:
        spec: The search, with its names resolved.
        store: Has the probes of earlier questions, and the times of earlier searches.
        path: Where the question is sent.
    """
    try:
        question = question_about(spec, store)
    except InputError:
        return None
    return known(question, store, path)


def known(question: Question, store: Store, path: str, status: SearchStatus | None = None) -> Known:
    """Say what is known of a search's worth.

    Args:
        question: The question.
        store: Has what its probe measured, and the times of earlier searches.
        path: Where the question is sent.
        status: Of the search; None before it is started. What an answer advises depends on it, and a page of a search
            that is started has the sentence in no other place.
    """
    asked, probe = question.asked, question.probe
    if asked is None:
        cost = _cost(question, store)
        text = (
            f"not asked yet; `segnas worth SPEC.yaml` measures {len(probe.heads)} heads to iteration "
            f"{probe.fidelity.iterations} with {probe.seeds} seeds: {cost or 'its cost is not known'}"
        )
        return Known(text, None, (ask_panel(probe, cost, path),))
    way = way_on(question, store)
    on = None if way is None else go_on_panel(path, retry=way is SearchAction.RETRY)
    if asked.status is not SearchStatus.COMPLETED:
        trials = store.overview(asked.id).trials
        done = sum(count for trial, count in trials.items() if trial.terminal)
        panels = waiting_panels(asked.id, asked.status, done, asked.planned, asked.message, on)
        return Known(f"asked, and not answered yet: {asked.id} is {asked.status}", None, panels)
    try:
        found = answer_to(question, store)
    except ValueError as error:
        text = f"asked, and not answered by {asked.id}: {error}"
        return Known(text, None, unanswered_panels(asked.id, str(error), on))
    panels = answer_panels(found, status, said=status is None)
    return Known(f"{found.sentence} Measured by {asked.id}.", found, panels)


def way_on(question: Question, store: Store) -> SearchAction | None:
    """Find out how a probe that has ended without an answer can go on: by resuming it or, failing that, by a retry.

    Args:
        question: The question.
        store: Has what its probe measured.

    Returns:
        `resume`, `retry`, or None where there is no probe, it has not ended, has the answer, or nothing of it failed.
    """
    asked = question.asked
    if asked is None or not asked.status.at_rest:
        return None
    if asked.status is SearchStatus.COMPLETED:
        with suppress(ValueError):
            answer_to(question, store)
            return None
    failed = Share(store.overview(asked.id).trials.get(TrialStatus.FAILED, 0), asked.planned)
    possible = actions(asked.status, trials=failed, runs=Share(0, 0), grows=False)
    return next((action for action in (SearchAction.RESUME, SearchAction.RETRY) if action in possible), None)


def search_panels(search: SearchRecord, store: Store, kept: StaleCache[Panels]) -> Found[Panels]:
    """Make the panels about the worth of a search that exists; the answer is computed beside the answers.

    A search that is completed has measured what it gained, so it is not asked about any more.

    Args:
        search: The search.
        store: Has its probe, and the times of earlier searches.
        kept: Keeps the panels that take long to make.
    """
    try:
        question = question_about(search.spec, store)
    except InputError:
        return Found((), present=True)
    asked, path = question.asked, f"/v1/searches/{search.id}/worth"
    if asked is None and search.status is SearchStatus.COMPLETED:
        return Found((), present=True)

    def make() -> Panels:
        return known(question, store, path, search.status).panels

    if asked is not None and asked.status is not SearchStatus.COMPLETED:
        return Found(make(), present=True)
    probe = None if asked is None else (asked.id, asked.updated_at)
    return kept.get((search.id, "worth"), (probe, search.status, search.spec.key), make)


def answer_to(question: Question, store: Store) -> WorthPublic:
    """Compute the answer from what a probe that is completed has measured.

    Raises:
        ValueError: It has measured too little.
    """
    from nas.worth import worth_of

    assert question.asked is not None, "nobody has asked"
    rows = reference_table(question.probe, store.all_trials(question.asked.id))
    return worth_of(
        question.spec,
        question.asked.id,
        [ReferencePublic.model_validate(row, from_attributes=True) for row in rows],
    )


def _cost(question: Question, store: Store) -> str | None:
    """What asking costs, by the times of the same heads, else by those of cells of the space; None where unknown."""
    from nas.worth import cells_alike

    exact = forecast_public(question.probe, store).device_seconds
    if exact is not None:
        return f"{duration(exact)} of device time"
    about = forecast_public(cells_alike(question.spec, question.probe), store).device_seconds
    return None if about is None else f"about {duration(about)} of device time"
