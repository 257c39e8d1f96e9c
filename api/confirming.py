"""Makes the spec of a confirmation from its request and from what a search has measured so far."""

from __future__ import annotations

from collections.abc import Sequence

from api.errors import ApiError
from nas.ranking.candidates import choose, scored
from nas.specs import ConfirmationRequest, ConfirmationSpec, Explicit, Fidelity, Top
from nas.specs.confirmation import textbook_heads
from nas.specs.job import child_name
from nas.specs.reference import Head, named_head
from nas.store import SearchRecord, Store
from nas.store.records import TrialRecord
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.document import Architecture
from search_spaces.validation import FieldProblem, InputError, validate


def confirmation_spec(search: SearchRecord, body: ConfirmationRequest, store: Store) -> ConfirmationSpec:
    """Choose what a confirmation measures, and how.

    Raises:
        ApiError: 409 where no trial of the search has ended with a score.
        InputError: The choice, a reference head or a seed does not fit the search.
    """
    trials = store.all_trials(search.id)
    recorded = {trial.number: trial for trial in trials}
    numbers = _numbers(search, body, trials)
    fidelity = search.spec.fidelity_of(recorded[numbers[0]].fidelity_key)
    chosen = [recorded[number].architecture for number in numbers]
    spec: ConfirmationSpec = validate(
        ConfirmationSpec,
        {
            "name": body.name or child_name(search.spec.name, ": confirmation"),
            "of": search.id,
            "trials": numbers,
            "references": _references(_heads(body), chosen, fidelity),
            "fidelity": _confirming(fidelity, body.iterations),
            "seeds": body.seeds,
            "seed": _first_seed(body.seed, trials),
            "resources": search.spec.resources if body.resources is None else body.resources,
            "retries": body.retries,
        },
    )
    return spec


def _numbers(search: SearchRecord, body: ConfirmationRequest, trials: Sequence[TrialRecord]) -> tuple[int, ...]:
    found = len(scored(trials))
    if not found:
        raise ApiError(409, f"search {search.id} ({search.status}) has no trial that ended with a score yet")
    choice: Top | Explicit = body.choose
    if "choose" not in body.model_fields_set and isinstance(choice, Top):
        choice = Top(count=min(choice.count, found))
    return choose(choice, trials)[1]


def _heads(body: ConfirmationRequest) -> list[Head] | None:
    return None if body.references is None else [named_head(head) for head in body.references]


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


def _confirming(fidelity: Fidelity, iterations: int | None) -> Fidelity:
    """The fidelity at which the search measured, on the images that it kept back, to another last rung if asked."""
    changes: dict[str, object] = {}
    if fidelity.holdout is not None:
        changes["holdout"] = fidelity.holdout.model_copy(update={"measure_on": "kept_back"})
    if iterations is not None:
        changes["rungs"] = (*(rung for rung in fidelity.rungs if rung < iterations), iterations)
    return Fidelity.model_validate({**dict(fidelity), **changes})


def _first_seed(asked: int | None, trials: Sequence[TrialRecord]) -> int:
    used = {trial.seed for trial in trials}
    if asked is None:
        return max(used) + 1
    if asked <= max(used):
        message = f"trials of the search had seeds up to {max(used)}: use {max(used) + 1} or more, so that it is fresh"
        raise InputError([FieldProblem(path="seed", message=message)])
    return asked
