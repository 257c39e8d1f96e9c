"""Makes the spec of a confirmation from what a search has measured so far: on request, or at the search's end."""

from __future__ import annotations

from collections.abc import Sequence

from nas.kinds.protocol import FollowUp, Records
from nas.ranking.candidates import choose, scored
from nas.specs import Confirm, ConfirmationRequest, ConfirmationSpec, Explicit, Fidelity, Top
from nas.specs.confirm import confirming_fidelity
from nas.specs.confirmation import textbook_heads
from nas.specs.job import child_name
from nas.specs.reference import Head, named_head
from nas.store import SearchRecord
from nas.store.records import TrialRecord
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.document import Architecture
from search_spaces.validation import FieldProblem, InputError, validate


class NothingScoredError(ValueError):
    """No trial of the search has ended with a score, so there is nothing to confirm."""


def confirmation_spec(
    search: SearchRecord, request: ConfirmationRequest, records: Records, *, or_fewer: bool = False
) -> ConfirmationSpec:
    """Choose what a confirmation measures, and how.

    Args:
        search: The search whose architectures are confirmed.
        request: What is asked for.
        records: Read access to the recorded searches.
        or_fewer: Whether fewer architectures than the request names may be confirmed, where fewer have a score.

    Raises:
        NothingScoredError: No trial of the search has ended with a score.
        InputError: The choice, a reference head or a seed does not fit the search.
    """
    trials = records.all_trials(search.id)
    recorded = {trial.number: trial for trial in trials}
    numbers = _numbers(search, request.choose, trials, or_fewer or "choose" not in request.model_fields_set)
    fidelity = search.spec.fidelity_of(recorded[numbers[0]].fidelity_key)
    chosen = [recorded[number].architecture for number in numbers]
    spec: ConfirmationSpec = validate(
        ConfirmationSpec,
        {
            "name": request.name or child_name(search.spec.name, ": confirmation"),
            "of": search.id,
            "trials": numbers,
            "references": _references(_heads(request), chosen, fidelity),
            "fidelity": confirming_fidelity(fidelity, request.iterations),
            "seeds": request.seeds,
            "learning_rates": request.learning_rates,
            "objectives": search.spec.goals.objectives[:1],
            "seed": _first_seed(request.seed, trials),
            "resources": search.spec.resources if request.resources is None else request.resources,
            "retries": request.retries,
        },
    )
    return spec


def confirmation_at_end(search: SearchRecord, confirm: Confirm | None, records: Records) -> ConfirmationSpec | None:
    """Make the confirmation that follows a search; None where there shall be none, or nothing has a score.

    Args:
        search: The search, whose trials are over.
        confirm: How it is confirmed; None: not at all.
        records: Read access to the recorded searches.

    Raises:
        InputError: A reference head does not fit the search.
    """
    if confirm is None:
        return None
    request = ConfirmationRequest(
        choose=Top(count=confirm.top),
        references=confirm.references,
        seeds=confirm.seeds,
        learning_rates=confirm.learning_rates,
        retries=search.spec.retries,
    )
    try:
        return confirmation_spec(search, request, records, or_fewer=True)
    except NothingScoredError:
        return None


def expected_confirmation(confirm: Confirm | None, fidelity: Fidelity, found: int, *, heads: bool) -> FollowUp | None:
    """Tell how much the confirmation at a search's end will measure, before anything is known of what it confirms.

    Args:
        confirm: How the search is confirmed; None: not at all.
        fidelity: The fidelity of the search.
        found: The number of architectures that it measures at most.
        heads: Whether what it finds is compared with reference heads.
    """
    if confirm is None:
        return None
    references = confirm.references
    if references is None:
        references = textbook_heads(fidelity, fidelity.head.channels)
    architectures, beside = min(confirm.top, found), len(references) if heads else 0
    rates = len({fidelity.optimizer.learning_rate, *confirm.learning_rates})
    text = _in_words(architectures, beside, rates, confirm, fidelity)
    return FollowUp((architectures + beside * rates) * confirm.seeds, fidelity, text)


def _in_words(architectures: int, references: int, rates: int, confirm: Confirm, fidelity: Fidelity) -> str:
    images = "kept back" if fidelity.holdout is not None else "that the search measured on, too"
    at = f" at {rates} learning rates" if rates > 1 else ""
    beside = f" and {references} reference heads{at}" if references else ""
    return f"a confirmation of the {architectures} best{beside} with {confirm.seeds} fresh seeds, on images {images}"


def _numbers(
    search: SearchRecord, choice: Top | Explicit, trials: Sequence[TrialRecord], or_fewer: bool
) -> tuple[int, ...]:
    found = len(scored(trials))
    if not found:
        raise NothingScoredError(f"search {search.id} ({search.status}) has no trial that ended with a score yet")
    if or_fewer and isinstance(choice, Top):
        choice = Top(count=min(choice.count, found))
    return choose(choice, trials)[1]


def _heads(request: ConfirmationRequest) -> list[Head] | None:
    return None if request.references is None else [named_head(head) for head in request.references]


def _references(asked: Sequence[Head] | None, chosen: Sequence[Architecture], fidelity: Fidelity) -> tuple[Head, ...]:
    """The reference heads, without those that are confirmed anyway."""
    if any(isinstance(architecture, AutoDeepLab) for architecture in chosen):
        if asked:
            message = "the search found entire networks, which are not compared with heads: leave the references out"
            raise InputError([FieldProblem(path="references", message=message)])
        return ()
    if asked is None:
        channels = getattr(chosen[0], "channels", None) or fidelity.head.channels
        asked = textbook_heads(fidelity, channels)
    confirmed = {architecture.key for architecture in chosen}
    return tuple(head for head in asked if head.key not in confirmed)


def _first_seed(asked: int | None, trials: Sequence[TrialRecord]) -> int:
    used = {trial.seed for trial in trials}
    if asked is None:
        return max(used) + 1
    if asked <= max(used):
        message = f"trials of the search had seeds up to {max(used)}: use {max(used) + 1} or more, so that it is fresh"
        raise InputError([FieldProblem(path="seed", message=message)])
    return asked
