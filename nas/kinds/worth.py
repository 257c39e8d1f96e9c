"""Is a search worth it? The small reference search that is run to find it out, and what it says."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict

import numpy as np

from nas.ranking.worth import LEVEL, Planned, Sample, Worth, expected_gain
from nas.schemas.references import ReferencePublic
from nas.schemas.worth import WorthPublic
from nas.specs import (
    AshaStopping,
    BlackBoxSpec,
    EarlyStopping,
    HyperbandStopping,
    JobSpec,
    MedianStopping,
    RandomStrategy,
    ReferenceSpec,
)
from nas.specs.confirmation import textbook_heads
from nas.specs.job import child_name
from nas.specs.reference import Head
from nas.strategies import CellSpace, SpaceExhausted, build_strategy
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.validation import FieldProblem, InputError

HEADS = 24
"""Heads that are measured: those of the textbooks, and random cells of the search's space."""

SEEDS = 2


def worth_probe(spec: JobSpec) -> ReferenceSpec:
    """Make the search that finds out whether another one is worth it: few heads, two seeds, to the first rung.

    Equal searches have equal probes.

    Args:
        spec: The search that is asked about.

    Raises:
        InputError: The search is not over dense cells, or its first objective is not mIoU.
    """
    search = _over_cells(spec)
    references = _references(search)
    cells = _random_cells(search, HEADS - len(references), {head.key for head in references})
    return ReferenceSpec.model_validate(
        {
            "name": child_name(search.name, ", is it worth it?"),
            "heads": [*references, *cells],
            "seeds": SEEDS,
            "fidelity": search.fidelity.model_copy(update={"rungs": search.fidelity.rungs[:1]}),
            "resources": search.resources,
            "retries": search.retries,
            "seed": search.seed,
        }
    )


def _over_cells(spec: JobSpec) -> BlackBoxSpec:
    if not isinstance(spec, BlackBoxSpec):
        message = f"only a search of the kind black_box draws architectures that a few can stand for, not {spec.kind}"
        raise InputError([FieldProblem(path="kind", message=message)])
    if spec.objectives[0] != "miou":
        message = f"what a search is worth is said in mIoU, and the first objective of this one is {spec.goals.text}"
        raise InputError([FieldProblem(path="objectives", message=message)])
    return spec


def _references(spec: BlackBoxSpec) -> tuple[Head, ...]:
    channels = spec.space.channels
    width = spec.fidelity.head.channels if channels is None else channels[len(channels) // 2]
    return textbook_heads(spec.fidelity, width)


def _random_cells(spec: BlackBoxSpec, count: int, but: Collection[str]) -> list[Head]:
    """Draw so many cells of the search's space, or as many as it has, without those whose keys are in `but`."""
    changes = {"strategy": RandomStrategy(), "start": (), "warm_start": (), "early_stopping": None}
    strategy = build_strategy(spec.model_copy(update=changes))
    drawn: list[Head] = []
    with contextlib.suppress(SpaceExhausted):
        for number in range(count + len(but)):
            cell = strategy.ask(number)
            assert isinstance(cell, DenseCell), cell.kind
            drawn += [] if cell.key in but else [cell]
    return drawn[:count]


def planned(spec: BlackBoxSpec) -> Planned:
    """Say what a search does with its trials, as far as its worth depends on it."""
    rungs = spec.fidelity.rungs
    keep = 1.0 if len(rungs) == 1 else _going_on(spec.early_stopping)
    return Planned(min(spec.trials, CellSpace(spec.space).distinct), keep, rungs[0], rungs[-1])


def _going_on(rule: EarlyStopping | None) -> float:
    """Share of the trials that go on from the first rung."""
    match rule:
        case AshaStopping(reduction=reduction) | HyperbandStopping(reduction=reduction):
            return 1 / reduction
        case MedianStopping():
            return 0.5
    return 1.0


def worth_of(spec: JobSpec, probe: str, rows: Iterable[ReferencePublic]) -> WorthPublic:
    """Say what a search is worth, from what its probe has measured.

    Args:
        spec: The search that is asked about.
        probe: Id of its probe.
        rows: What the probe measured of each head; heads with a failed trial are left out.

    Raises:
        InputError: As for `worth_probe`.
        ValueError: Too few heads have all scores.
    """
    search = _over_cells(spec)
    of, keys = planned(search), {head.key for head in _references(search)}
    complete = [row for row in rows if len(row.scores) == SEEDS and row.multiply_adds]
    cells = [row for row in complete if row.architecture_key not in keys]
    references = [row for row in complete if row.architecture_key in keys]
    found = expected_gain(_sample(cells), _sample(references), of, seed=search.seed)
    best = references[found.best]
    return WorthPublic(
        **{name: value for name, value in asdict(found).items() if name in WorthPublic.model_fields},
        probe=probe,
        sentence=_sentence(found, of),
        trials=of.trials,
        first=of.first,
        last=of.last,
        cells=len(cells),
        references=len(references),
        best_reference=best.head,
        best_reference_mean=best.mean or 0.0,
        device_seconds=sum((row.device_seconds or 0.0) * SEEDS for row in complete),
    )


def _sample(rows: Sequence[ReferencePublic]) -> Sample:
    scores = np.array([list(row.scores.values()) for row in rows], dtype=np.float64).reshape(len(rows), SEEDS)
    return Sample(scores, np.array([row.multiply_adds for row in rows], dtype=np.float64))


def _sentence(found: Worth, of: Planned) -> str:
    words = {"worth it": "Worth it", "not worth it": "Not worth it", "open": "Open"}
    sizes = "of its size" if found.matched >= 0.5 else "of all, as none is of its size"
    return (
        f"{words[found.answer]}: a search of {of.trials:,} trials is expected to gain {found.gain:+.3f} mIoU over the "
        f"best textbook head {sizes} ({LEVEL:.0%} interval {found.low:+.3f} to {found.high:+.3f}); it gains at least "
        f"one seed deviation, {found.seed_deviation:.3f}, with a probability of {found.probability:.0%}."
    )
