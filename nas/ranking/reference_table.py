"""The answer of a reference search: every head's score over its seeds, and what its unit adds to the bare trunk."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nas.results.status import TrialStatus
from nas.specs import ReferenceSpec
from nas.store.records import TrialRecord
from search_spaces import ReferenceHead, architecture_text, trunk_without_unit


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean over the seeds that both heads have of (head - baseline), paired by seed; mIoU.

    `error` is its standard error, None with one seed.
    """

    baseline: str
    mean: float
    error: float | None
    seeds: int


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """One head. `scores` maps seeds to mIoU at the last rung; `spread` is their standard deviation (n - 1)."""

    head: str
    architecture_key: str
    parameters: int | None
    multiply_adds: int | None
    device_seconds: float | None
    scores: Mapping[int, float]
    failed: Mapping[int, str]
    mean: float | None
    spread: float | None
    difference: Difference | None


def reference_table(spec: ReferenceSpec, trials: Iterable[TrialRecord]) -> list[ReferenceRow]:
    """A row for each head of the spec, in its order; only trials that reached the last rung count.

    A head is compared with the trunk without a unit: of its own width where it is a trunk, else of the only width
    there is. No difference where the spec has no such trunk.
    """
    of_head: dict[str, list[TrialRecord]] = {head.key: [] for head in spec.heads}
    for trial in trials:
        of_head[trial.architecture_key].append(trial)
    scores = {key: _scores(found) for key, found in of_head.items()}
    rows = []
    for head in spec.heads:
        found = of_head[head.key]
        values = list(scores[head.key].values())
        sizes = next((trial for trial in found if trial.parameters is not None), None)
        baseline = _baseline(head, spec)
        rows.append(
            ReferenceRow(
                head=architecture_text(head),
                architecture_key=head.key,
                parameters=None if sizes is None else sizes.parameters,
                multiply_adds=None if sizes is None else sizes.multiply_adds,
                device_seconds=_mean([trial.device_seconds for trial in found if trial.device_seconds is not None]),
                scores=scores[head.key],
                failed={trial.seed: trial.reason or "" for trial in found if trial.status is TrialStatus.FAILED},
                mean=_mean(values),
                spread=statistics.stdev(values) if len(values) > 1 else None,
                difference=None if baseline is None else _difference(scores[head.key], scores[baseline.key], baseline),
            )
        )
    return rows


def _scores(trials: Sequence[TrialRecord]) -> dict[int, float]:
    completed = [trial for trial in trials if trial.status is TrialStatus.COMPLETED and trial.score is not None]
    return {trial.seed: trial.score for trial in sorted(completed, key=lambda one: one.seed) if trial.score is not None}


def _baseline(head: object, spec: ReferenceSpec) -> ReferenceHead | None:
    bare = [one for one in spec.heads if isinstance(one, ReferenceHead) and one == _bare(one)]
    if isinstance(head, ReferenceHead) and head.name == "trunk":
        bare = [one for one in bare if one == _bare(head)]
    return bare[0] if len(bare) == 1 and bare[0] != head else None


def _bare(head: ReferenceHead) -> ReferenceHead | None:
    """The same trunk without a unit."""
    return trunk_without_unit(head.width) if head.name == "trunk" and head.width is not None else None


def _difference(
    scores: Mapping[int, float], of_baseline: Mapping[int, float], baseline: ReferenceHead
) -> Difference | None:
    paired = [scores[seed] - of_baseline[seed] for seed in scores if seed in of_baseline]
    if not paired:
        return None
    error = statistics.stdev(paired) / len(paired) ** 0.5 if len(paired) > 1 else None
    return Difference(architecture_text(baseline), statistics.fmean(paired), error, len(paired))


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None
