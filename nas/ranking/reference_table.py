"""The answer of a reference search: each head's score over its seeds, and what the head's unit adds to a bare trunk."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nas.results.status import TrialStatus
from nas.specs import ReferenceSpec
from nas.store.records import TrialRecord
from search_spaces import ReferenceHead, architecture_text


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better a head scores than its baseline, paired by seed.

    Attributes:
        baseline: The baseline head as text.
        mean: Mean of (head - baseline) over the seeds that both heads have; mIoU.
        error: Standard error of `mean`; None with one seed.
        seeds: Number of seeds that both heads have.
    """

    baseline: str
    mean: float
    error: float | None
    seeds: int


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """What a reference search measured of one head.

    Attributes:
        head: The head as text.
        architecture_key: Content key of the head.
        parameters: Of the head; None before its first trial counted them.
        multiply_adds: Of one forward pass of the head; None before its first trial counted them.
        device_seconds: Mean over the head's trials.
        scores: mIoU at the last rung by seed.
        failed: The reason of each failed trial by seed.
        mean: Of `scores`.
        spread: Sample standard deviation (n - 1) of `scores`; None with fewer than two.
        difference: To the trunk without a unit; None where the spec has no such trunk, or no seed is shared.
    """

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
    """Tabulate the heads of a reference search; only trials that reached the last rung give scores.

    A head is compared with the trunk without a unit. Where the head is a trunk itself, the baseline has the same width
    and channels; otherwise the spec must name one bare trunk only. Without such a baseline there is no difference.

    Args:
        spec: The search's spec.
        trials: All trials of the search.

    Returns:
        One row for each head, in the order of the spec.
    """
    by_head: dict[str, list[TrialRecord]] = {head.key: [] for head in spec.heads}
    for trial in trials:
        by_head[trial.architecture_key].append(trial)
    scores = {key: _scores(of_head) for key, of_head in by_head.items()}
    rows = []
    for head in spec.heads:
        of_head = by_head[head.key]
        values = list(scores[head.key].values())
        sizes = next((trial for trial in of_head if trial.parameters is not None), None)
        baseline = _baseline(head, spec)
        rows.append(
            ReferenceRow(
                head=architecture_text(head),
                architecture_key=head.key,
                parameters=None if sizes is None else sizes.parameters,
                multiply_adds=None if sizes is None else sizes.multiply_adds,
                device_seconds=_mean([trial.device_seconds for trial in of_head if trial.device_seconds is not None]),
                scores=scores[head.key],
                failed={trial.seed: trial.reason or "" for trial in of_head if trial.status is TrialStatus.FAILED},
                mean=_mean(values),
                spread=statistics.stdev(values) if len(values) > 1 else None,
                difference=None if baseline is None else _difference(scores[head.key], scores[baseline.key], baseline),
            )
        )
    return rows


def _scores(trials: Sequence[TrialRecord]) -> dict[int, float]:
    by_seed = sorted(trials, key=lambda trial: trial.seed)
    completed = [trial for trial in by_seed if trial.status is TrialStatus.COMPLETED]
    return {trial.seed: trial.score for trial in completed if trial.score is not None}


def _baseline(head: object, spec: ReferenceSpec) -> ReferenceHead | None:
    bare = [other for other in spec.heads if isinstance(other, ReferenceHead) and other == _bare(other)]
    if isinstance(head, ReferenceHead) and head.name == "trunk":
        bare = [other for other in bare if other == _bare(head)]
    return bare[0] if len(bare) == 1 and bare[0] != head else None


def _bare(head: ReferenceHead) -> ReferenceHead | None:
    """The same trunk without a unit; None where the head is no trunk."""
    return head.model_copy(update={"unit": None}) if head.name == "trunk" else None


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
