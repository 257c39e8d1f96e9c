"""A small search of its own that measures what steps cost, where nothing comparable was measured."""

from __future__ import annotations

from typing import Any

from nas.specs import AutoDeepLabSpec, BlackBoxSpec, Fidelity, RandomStrategy, ReferenceSpec, RequestedSpec

PROBE_RUNGS = (10, 20, 100)
"""Iterations: three stretches, the first and the last two of different lengths, tell steps, validation and the cost of
the very first step apart.
"""

LEAST_TRIALS, MOST_TRIALS = 2, 8
"""As many as run beside each other in the search, within these bounds: neighbours on a device slow each other down."""

LONGEST_NAME = 100
"""Of `SearchName`."""


def probe_of(spec: RequestedSpec) -> RequestedSpec:
    """The probe of a search: same space, resources and cost a step, `PROBE_RUNGS` iterations (never more than asked).

    Of a black-box search some random architectures without early stopping; of reference heads each of them once; of a
    differentiable search one run of an epoch for the weights alone and one with alpha and beta, then its network.
    """
    name = f"probe of {spec.name}"[:LONGEST_NAME].strip()
    match spec:
        case BlackBoxSpec():
            changes: dict[str, Any] = {
                "fidelity": _short(spec.fidelity),
                "strategy": RandomStrategy(),
                "trials": max(LEAST_TRIALS, min(spec.resources.concurrent, spec.trials, MOST_TRIALS)),
                "early_stopping": None,
            }
        case ReferenceSpec():
            changes = {"fidelity": _short(spec.fidelity), "seeds": 1}
        case AutoDeepLabSpec():
            first = min(spec.bilevel.architecture_from_epoch, 1)
            bilevel = spec.bilevel.model_copy(update={"epochs": first + 1, "architecture_from_epoch": first})
            scoring = None if spec.scoring is None else _short(spec.scoring)
            changes = {"bilevel": bilevel, "scoring": scoring, "seeds": 1, "score_every": first + 1}
    return type(spec).model_validate({**dict(spec), **changes, "name": name})


def _short(fidelity: Fidelity) -> Fidelity:
    rungs = tuple(sorted({min(rung, fidelity.iterations) for rung in PROBE_RUNGS}))
    return fidelity.model_copy(update={"rungs": rungs})
