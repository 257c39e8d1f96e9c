"""Is a search worth it? The small reference search that is run to find it out, and what it says."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict

import numpy as np

from nas.kinds.protocol import CellSearch
from nas.kinds.registry import kind_of
from nas.ranking.worth import LEVEL, Planned, Sample, Worth, expected_gain
from nas.schemas.references import ReferencePublic
from nas.schemas.worth import WorthPublic
from nas.specs import BlackBoxSpec, JobSpec, ReferenceSpec
from nas.specs.confirmation import textbook_heads
from nas.specs.job import child_name
from nas.specs.reference import Head
from nas.strategies import CellSpace, SpaceExhausted
from nas.strategies.random_search import RandomSearch
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.validation import FieldProblem, InputError

HEADS = 24
"""Heads that are measured: those of the textbooks, and random cells of the search's space."""

SEEDS = 2


def worth_probe(spec: JobSpec) -> ReferenceSpec:
    """Make the search that finds out whether another one is worth it: few heads, two seeds, to the first rung.

    Searches with equal space, fidelity, resources and seed have equal probes, whatever their name, strategy and length.

    Args:
        spec: The search that is asked about.

    Raises:
        InputError: The search is not over dense cells, or its first objective is not mIoU.
    """
    search = _cell_search(spec)
    references = _references(search)
    cells = _random_cells(search, spec.seed, HEADS - len(references), {head.key for head in references})
    return ReferenceSpec.model_validate(
        {
            "name": child_name(f"a search on {search.fidelity.dataset}", ", is it worth it?"),
            "heads": [*references, *cells],
            "seeds": SEEDS,
            "fidelity": search.fidelity.model_copy(update={"rungs": search.fidelity.rungs[:1]}),
            "resources": spec.resources,
            "retries": spec.retries,
            "seed": spec.seed,
        }
    )


def cells_alike(spec: JobSpec, probe: ReferenceSpec) -> BlackBoxSpec:
    """Make a search whose trials cost about what those of a probe do, as its textbook heads are of the cells' size.

    Times of cells are known more often than those of the very heads of a probe.

    Args:
        spec: The search that is asked about.
        probe: Its probe.

    Returns:
        So many random cells of the same space at the same fidelity.

    Raises:
        InputError: The search is not over dense cells, or its first objective is not mIoU.
    """
    return BlackBoxSpec(
        name=probe.name,
        space=_cell_search(spec).space,
        fidelity=probe.fidelity,
        trials=len(probe.heads) * probe.seeds,
        early_stopping=None,
        resources=spec.resources,
    )


def probe_key(probe: ReferenceSpec) -> str:
    """Return the idempotency key under which a probe is created, and by which the same probe is found again."""
    return f"worth {probe.key}"


def _cell_search(spec: JobSpec) -> CellSearch:
    found: CellSearch | None = kind_of(spec).cell_search(spec)
    if found is None:
        message = (
            "only a search that proposes cells of a space can be asked what it is worth, since it is compared with "
            "heads of the textbooks"
        )
        raise InputError([FieldProblem(path="kind", message=message)])
    if spec.goals.objectives[0] != "miou":
        message = f"what a search is worth is said in mIoU, and the first objective of this one is {spec.goals.text}"
        raise InputError([FieldProblem(path="objectives", message=message)])
    return found


def _references(search: CellSearch) -> tuple[Head, ...]:
    channels = search.space.channels
    width = search.fidelity.head.channels if channels is None else channels[len(channels) // 2]
    return textbook_heads(search.fidelity, width)


def _random_cells(search: CellSearch, seed: int, count: int, but: Collection[str]) -> list[Head]:
    """Draw so many cells of the search's space, or as many as it has, without those whose keys are in `but`."""
    strategy = RandomSearch(CellSpace.at(search.space, search.fidelity), seed)
    drawn: list[Head] = []
    with contextlib.suppress(SpaceExhausted):
        for number in range(count + len(but)):
            cell = strategy.ask(number)
            assert isinstance(cell, DenseCell), cell.kind
            drawn += [] if cell.key in but else [cell]
    return drawn[:count]


def planned(spec: JobSpec) -> Planned:
    """Say what a search does with its trials, as far as its worth depends on it.

    Raises:
        InputError: As for `worth_probe`.
    """
    search = _cell_search(spec)
    rungs = search.fidelity.rungs
    return Planned(search.trials, 1.0 if len(rungs) == 1 else search.keep, rungs[0], rungs[-1])


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
    of, keys = planned(spec), {head.key for head in _references(_cell_search(spec))}
    complete = [row for row in rows if len(row.scores) == SEEDS and row.multiply_adds]
    cells = [row for row in complete if row.architecture_key not in keys]
    references = [row for row in complete if row.architecture_key in keys]
    found = expected_gain(_sample(cells), _sample(references), of, seed=spec.seed)
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
        f"best textbook head {sizes} ({100 * LEVEL:.0f} % interval {found.low:+.3f} to {found.high:+.3f}); it gains at "
        f"least one seed deviation, {found.seed_deviation:.3f}, with a probability of {100 * found.probability:.0f} %."
    )
