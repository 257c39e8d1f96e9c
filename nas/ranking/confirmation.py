"""The answer of a confirmation: whether the best that a search found is better than the heads of the textbooks."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from scipy.special import stdtrit

from nas.formatting import counted
from nas.results.status import TrialStatus
from nas.specs import ConfirmationSpec
from nas.store.records import TrialRecord
from search_spaces.document import Architecture
from search_spaces.text import architecture_text, short_text

SIZE_RATIO = 1.5
"""Two heads are of one size if neither has more than so many times the other's multiply-adds."""

LEVEL = 0.95
"""Of the intervals of differences."""

Verdict: TypeAlias = Literal["gain", "no gain", "loss", "unknown"]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a confirmation measured of one architecture.

    Attributes:
        text: The architecture in one line.
        short_text: The same in few characters.
        architecture_key: Its content key.
        trial: Number of the trial of the search that found it; None for a reference head.
        found_score: What the search measured, on the images and with the seed that selected it; None likewise.
        parameters: Of the head (or the network); None before its first trial counted them.
        multiply_adds: Of one forward pass; None likewise.
        scores: mIoU at the last rung by seed.
        failed: The reason of each failed trial by seed.
        mean: Of `scores`.
        spread: Sample standard deviation (n - 1) of `scores`; None with fewer than two.
    """

    text: str
    short_text: str
    architecture_key: str
    trial: int | None
    found_score: float | None
    parameters: int | None
    multiply_adds: int | None
    scores: Mapping[int, float]
    failed: Mapping[int, str]
    mean: float | None
    spread: float | None


@dataclass(frozen=True, slots=True)
class Gain:
    """How much better the confirmed architecture is than a reference head, paired by seed.

    Attributes:
        architecture_key: Of the reference head.
        mean: Mean of (confirmed - reference) over the seeds that both have; mIoU.
        error: Standard error of `mean`.
        low: Lower end of Student's 95 % interval of the mean.
        high: Its upper end.
        seeds: Number of seeds that both have.
        size: Multiply-adds of the reference, as a multiple of the confirmed one's; None where one is not known.
        matched: Whether the two are of one size (`SIZE_RATIO`).
    """

    architecture_key: str
    mean: float
    error: float
    low: float
    high: float
    seeds: int
    size: float | None
    matched: bool


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The answer of a confirmation, from what has been measured so far.

    Attributes:
        rows: The confirmed architectures in the order of the spec, then the reference heads.
        winner: Content key of the architecture of the search with the best mean; None before any has a score.
        gains: The winner against each reference head that shares at least two seeds with it.
        against: Content key of the reference head that the verdict is about: the best of the winner's size, or the best
            of all where none is of its size; None before there is one.
        verdict: `gain` and `loss` where the interval of that difference lies on one side of 0, `no gain` where 0 lies
            in it.
        sentence: The verdict in words.
    """

    rows: tuple[Confirmed, ...]
    winner: str | None
    gains: tuple[Gain, ...]
    against: str | None
    verdict: Verdict
    sentence: str


def confirmation(spec: ConfirmationSpec, found: Sequence[TrialRecord], trials: Iterable[TrialRecord]) -> Confirmation:
    """Answer a confirmation; only trials that reached the last rung give scores.

    Args:
        spec: The confirmation's spec.
        found: The records of `spec.trials` in the search that found them, in this order.
        trials: All trials of the confirmation.
    """
    measured: dict[str, list[TrialRecord]] = {}
    for trial in trials:
        measured.setdefault(trial.architecture_key, []).append(trial)
    candidates = [_row(record.architecture, measured, record) for record in found]
    references = [_row(head, measured, None) for head in spec.references]
    winner = max((row for row in candidates if row.mean is not None), key=lambda row: row.mean or 0.0, default=None)
    gains = () if winner is None else tuple(gain for row in references if (gain := _gain(winner, row)) is not None)
    rows = (*candidates, *references)
    against = _opponent(gains, {row.architecture_key: row for row in references})
    verdict: Verdict = "unknown"
    if against is not None:
        verdict = "gain" if against.low > 0 else "loss" if against.high < 0 else "no gain"
    return Confirmation(
        rows,
        None if winner is None else winner.architecture_key,
        gains,
        None if against is None else against.architecture_key,
        verdict,
        _sentence(rows, winner, against, verdict),
    )


def _row(
    architecture: Architecture, measured: Mapping[str, Sequence[TrialRecord]], found: TrialRecord | None
) -> Confirmed:
    trials = sorted(measured.get(architecture.key, ()), key=lambda trial: trial.seed)
    scores = {
        trial.seed: trial.score for trial in trials if trial.status is TrialStatus.COMPLETED and trial.score is not None
    }
    sizes = next((trial for trial in trials if trial.parameters is not None), found)
    values = list(scores.values())
    return Confirmed(
        text=architecture_text(architecture),
        short_text=short_text(architecture),
        architecture_key=architecture.key,
        trial=None if found is None else found.number,
        found_score=None if found is None else found.score,
        parameters=None if sizes is None else sizes.parameters,
        multiply_adds=None if sizes is None else sizes.multiply_adds,
        scores=scores,
        failed={trial.seed: trial.reason or "" for trial in trials if trial.status is TrialStatus.FAILED},
        mean=statistics.fmean(values) if values else None,
        spread=statistics.stdev(values) if len(values) > 1 else None,
    )


def _gain(winner: Confirmed, reference: Confirmed) -> Gain | None:
    paired = [score - reference.scores[seed] for seed, score in winner.scores.items() if seed in reference.scores]
    if len(paired) < 2:
        return None
    mean, error = statistics.fmean(paired), statistics.stdev(paired) / len(paired) ** 0.5
    reach = float(stdtrit(len(paired) - 1, (1 + LEVEL) / 2)) * error
    size = None
    if winner.multiply_adds and reference.multiply_adds:
        size = reference.multiply_adds / winner.multiply_adds
    matched = size is not None and 1 / SIZE_RATIO <= size <= SIZE_RATIO
    return Gain(reference.architecture_key, mean, error, mean - reach, mean + reach, len(paired), size, matched)


def _opponent(gains: Sequence[Gain], references: Mapping[str, Confirmed]) -> Gain | None:
    matched = [gain for gain in gains if gain.matched] or gains
    return max(matched, key=lambda gain: references[gain.architecture_key].mean or 0.0, default=None)


def _sentence(rows: Sequence[Confirmed], winner: Confirmed | None, against: Gain | None, verdict: Verdict) -> str:
    if winner is None:
        return "Nothing of the search has been confirmed yet."
    if against is None:
        return f"Trial {winner.trial} has a mean of {winner.mean:.3f}; no reference head has two seeds beside it yet."
    other = next(row for row in rows if row.architecture_key == against.architecture_key)
    words = {"gain": "Gain", "loss": "Loss", "no gain": "No gain shown", "unknown": "Unknown"}
    which = "the best reference head of its size" if against.matched else "the best reference head; none is of its size"
    ratio = "" if against.size is None else f", which has {against.size:.2f} times its multiply-adds"
    return (
        f"{words[verdict]}: trial {winner.trial} scores {against.mean:+.3f} ± {against.error:.3f} against {other.text}"
        f"{ratio} ({which}; {counted(against.seeds, 'seed')}, 95 % interval {against.low:+.3f} to {against.high:+.3f})."
    )
