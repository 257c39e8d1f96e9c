"""The answer of a confirmation: whether the best that a search found is better than the heads of the textbooks."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from scipy.special import stdtrit

from nas.formatting import counted
from nas.results.confirmed import best_confirmed
from nas.results.status import TrialStatus
from nas.specs import ConfirmationSpec, Goals
from nas.store.records import TrialRecord
from search_spaces.document import Architecture
from search_spaces.text import architecture_text, short_text

SIZE_RATIO = 1.5
"""Two heads are of one size if neither has more than so many times the other's multiply-adds."""

LEVEL = 0.95
"""Of the intervals of differences."""

Verdict: TypeAlias = Literal["gain", "no gain", "loss", "unknown"]

_WORDS: Mapping[Verdict, str] = {"gain": "Gain", "loss": "Loss", "no gain": "No gain shown", "unknown": "Unknown"}

_Measured: TypeAlias = dict[tuple[str, str], list[TrialRecord]]
"""The trials of a confirmation by the keys of their architecture and their fidelity."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a confirmation measured of one architecture.

    Attributes:
        text: The architecture in one line.
        short_text: The same in few characters.
        architecture_key: Its content key.
        trial: Number of the trial of the search that found it; None for a reference head.
        found_score: Its value in the search, on the images and with the seed that selected it; None likewise.
        parameters: Of the head (or the network); None before its first trial counted them.
        multiply_adds: Of one forward pass; None likewise.
        learning_rate: At which it was trained: of a reference head with several, the one with the best mean.
        rates: Mean at each learning rate at which it was trained; None where it has no score yet.
        scores: Value of the objective at the last rung by seed, at `learning_rate`.
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
    learning_rate: float
    rates: Mapping[float, float | None]
    scores: Mapping[int, float]
    failed: Mapping[int, str]
    mean: float | None
    spread: float | None


@dataclass(frozen=True, slots=True)
class Gain:
    """How much better the confirmed architecture is than a reference head, paired by seed.

    Attributes:
        architecture_key: Of the reference head.
        mean: Mean of (confirmed - reference) over the seeds that both have, in units of the objective.
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
        at_own_rate: The verdict where the reference heads train at the learning rate of the search only.
        of: The search that found the architectures, whose numbers of trials `rows` have.
        goals: Scores are values of their first objective, which is that of the search.
    """

    rows: tuple[Confirmed, ...]
    winner: str | None
    gains: tuple[Gain, ...]
    against: str | None
    verdict: Verdict
    sentence: str
    at_own_rate: Verdict
    of: str
    goals: Goals


def confirmation(spec: ConfirmationSpec, found: Sequence[TrialRecord], trials: Iterable[TrialRecord]) -> Confirmation:
    """Answer a confirmation; only trials that reached the last rung give scores.

    Args:
        spec: The confirmation's spec.
        found: The records of `spec.trials` in the search that found them, in this order.
        trials: All trials of the confirmation.
    """
    measured: _Measured = {}
    for trial in trials:
        measured.setdefault((trial.architecture_key, trial.fidelity_key), []).append(trial)
    keys = {rate: fidelity.key for rate, fidelity in spec.at_rates.items()}
    own = dict([next(iter(keys.items()))])
    candidates = [_row(record.architecture, measured, own, record) for record in found]
    references = [_row(head, measured, keys, None) for head in spec.references]
    best = best_confirmed({place: row.scores.values() for place, row in enumerate(candidates)})
    winner = None if best is None else candidates[best]
    gains, against = _compared(winner, references)
    _, at_own = _compared(winner, [_row(head, measured, own, None) for head in spec.references])
    rows = (*candidates, *references)
    return Confirmation(
        rows=rows,
        winner=None if winner is None else winner.architecture_key,
        gains=gains,
        against=None if against is None else against.architecture_key,
        verdict=_verdict(against),
        sentence=_sentence(rows, winner, against, spec) + _rates_in_words(rows, winner, against, at_own),
        at_own_rate=_verdict(at_own),
        of=spec.of,
        goals=spec.goals,
    )


def _compared(winner: Confirmed | None, references: Sequence[Confirmed]) -> tuple[tuple[Gain, ...], Gain | None]:
    """The winner's gains over the reference heads, and the one that the verdict is about."""
    gains = () if winner is None else tuple(gain for row in references if (gain := _gain(winner, row)) is not None)
    return gains, _opponent(gains, {row.architecture_key: row for row in references})


def _verdict(against: Gain | None) -> Verdict:
    if against is None:
        return "unknown"
    return "gain" if against.low > 0 else "loss" if against.high < 0 else "no gain"


def _row(
    architecture: Architecture, measured: _Measured, fidelities: Mapping[float, str], found: TrialRecord | None
) -> Confirmed:
    """The row of an architecture at the best of the learning rates; `fidelities` has the key of each one's fidelity."""
    at = {
        rate: _at_rate(architecture, measured.get((architecture.key, key), ()), rate, found)
        for rate, key in fidelities.items()
    }
    best = max(at.values(), key=lambda row: -1.0 if row.mean is None else row.mean)
    return replace(best, rates={rate: at[rate].mean for rate in sorted(at)})


def _at_rate(
    architecture: Architecture, measured: Sequence[TrialRecord], rate: float, found: TrialRecord | None
) -> Confirmed:
    trials = sorted(measured, key=lambda trial: trial.seed)
    scores = {
        trial.seed: trial.value for trial in trials if trial.status is TrialStatus.COMPLETED and trial.value is not None
    }
    sizes = next((trial for trial in trials if trial.parameters is not None), found)
    values = list(scores.values())
    return Confirmed(
        text=architecture_text(architecture),
        short_text=short_text(architecture),
        architecture_key=architecture.key,
        trial=None if found is None else found.number,
        found_score=None if found is None else found.value,
        parameters=None if sizes is None else sizes.parameters,
        multiply_adds=None if sizes is None else sizes.multiply_adds,
        learning_rate=rate,
        rates={},
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


def _rates_in_words(
    rows: Sequence[Confirmed], winner: Confirmed | None, against: Gain | None, at_own: Gain | None
) -> str:
    """What the learning rates of the references have changed, as a further sentence; empty where they had one only."""
    if winner is None or against is None or at_own is None:
        return ""
    other, before = (
        next(row for row in rows if row.architecture_key == gain.architecture_key) for gain in (against, at_own)
    )
    if len(other.rates) < 2:
        return ""
    verdict = _verdict(at_own)
    same = "the same verdict" if verdict == _verdict(against) else "another verdict"
    return (
        f" The best learning rate of this head is {other.learning_rate:g}. With all heads at the search's own, "
        f"{winner.learning_rate:g}: {_WORDS[verdict].lower()}, {at_own.mean:+.3f} ± {at_own.error:.3f} against "
        f"{before.text}, {same}."
    )


def _sentence(rows: Sequence[Confirmed], winner: Confirmed | None, against: Gain | None, spec: ConfirmationSpec) -> str:
    objective = spec.goals.text
    if winner is None:
        return "Nothing of the search has been confirmed yet."
    if against is None:
        mean = f"Trial {winner.trial} of {spec.of} has a mean of {winner.mean:.3f} {objective}"
        return f"{mean}; no reference head has two seeds beside it yet."
    other = next(row for row in rows if row.architecture_key == against.architecture_key)
    which = "the best reference head of its size" if against.matched else "the best reference head; none is of its size"
    ratio = "" if against.size is None else f", which has {against.size:.2f} times its multiply-adds"
    return (
        f"{_WORDS[_verdict(against)]}: trial {winner.trial} of {spec.of} scores {against.mean:+.3f} ± "
        f"{against.error:.3f} {objective} against {other.text}{ratio} ({which}; {counted(against.seeds, 'seed')}, "
        f"95 % interval {against.low:+.3f} to {against.high:+.3f})."
    )
