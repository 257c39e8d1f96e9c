"""The architectures that a search has scored, in the search's own order, and the choice of those to measure again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from nas.formatting import counted
from nas.ranking.selection import stratified, top
from nas.results.standing import standing
from nas.results.status import SCORED
from nas.specs import Explicit, Stratified, Top
from nas.store.records import TrialRecord
from search_spaces.document import Architecture
from search_spaces.validation import FieldProblem, InputError


@dataclass(frozen=True, slots=True)
class Candidate:
    """One architecture as the search has measured it, at the deepest rung at which any of its trials stands.

    Attributes:
        trials: Numbers of all scored trials of the architecture, ascending: a reference search has one for each seed.
        first: Record of the first of `trials`, whose number identifies the architecture.
        iteration: The deepest rung at which one of them stands (`nas.results.standing`).
        score: Mean over the trials that stand at `iteration`, of the values of the search's first objective.
        device_seconds: Mean over the trials that stand at `iteration`.
    """

    trials: tuple[int, ...]
    first: TrialRecord
    iteration: int
    score: float
    device_seconds: float

    @property
    def trial(self) -> int:
        """The trial number that identifies the architecture: the lowest of `trials`."""
        return self.trials[0]

    @property
    def architecture_key(self) -> str:
        return self.first.architecture_key

    @property
    def architecture(self) -> Architecture:
        return self.first.architecture


def scored(trials: Iterable[TrialRecord]) -> list[Candidate]:
    """The distinct architectures among a search's trials that ended with a score, ordered by trial number."""
    ended = [trial for trial in trials if trial.status in SCORED]
    ended.sort(key=lambda trial: (trial.architecture_key, trial.number))
    groups = groupby(ended, key=lambda trial: trial.architecture_key)
    return sorted((_candidate(list(group)) for _, group in groups), key=lambda candidate: candidate.trial)


def _candidate(trials: Sequence[TrialRecord]) -> Candidate:
    standings = [(trial.standing, trial) for trial in trials]
    ranked = [(at, trial) for at, trial in standings if at is not None]
    assert len(ranked) == len(trials), "a completed or pruned trial has a score"
    iteration = max(at[0] for at, _ in ranked)
    deepest = [trial for at, trial in ranked if at[0] == iteration]
    scores = [at[1] for at, _ in ranked if at[0] == iteration]
    return Candidate(
        trials=tuple(trial.number for trial in trials),
        first=trials[0],
        iteration=iteration,
        score=sum(scores) / len(scores),
        device_seconds=sum(trial.device_seconds or 0.0 for trial in deepest) / len(deepest),
    )


def places(candidates: Iterable[Candidate]) -> dict[int, float]:
    """Each candidate's place in the search's own order, by trial number.

    Places are ordered by `nas.results.standing`: higher is better, and candidates that stand equal share a place. The
    distance between two places means nothing.
    """
    standings = {candidate.trial: standing(candidate.iteration, candidate.score) for candidate in candidates}
    place = {at: float(index) for index, at in enumerate(sorted(set(standings.values())))}
    return {trial: place[at] for trial, at in standings.items()}


def choose(
    choice: Stratified | Top | Explicit, trials: Sequence[TrialRecord]
) -> tuple[Literal["stratified", "top", "explicit"], tuple[int, ...]]:
    """Choose the architectures of a search to measure at full scale.

    A stratified sample is ordered such that the part measured so far is always spread over the entire sample: the
    middle comes before the quarters.

    Args:
        choice: How to choose, from the full-scale request.
        trials: All trials of the search.

    Returns:
        How the sample was drawn, and its trial numbers, each of a different architecture.

    Raises:
        InputError: On `choose.trials`: a trial is unknown, has no score or repeats an architecture. On `choose.count`:
            fewer architectures have a score.
    """
    candidates = scored(trials)
    if isinstance(choice, Explicit):
        return choice.how, _named(choice.trials, trials, candidates)
    if choice.count > len(candidates):
        have = counted(len(candidates), "has", "have")
        message = f"{counted(choice.count, 'architecture')} cannot be chosen: {have} a score"
        raise InputError([FieldProblem(path="choose.count", message=message)])
    if isinstance(choice, Top):
        return choice.how, tuple(top(places(candidates), choice.count))
    return choice.how, tuple(_spread(stratified(places(candidates), choice.count)))


def _spread(numbers: Sequence[int]) -> list[int]:
    """Order numbers by their bit-reversed index (van der Corput's sequence), so that every prefix covers the range."""
    bits = len(numbers).bit_length()
    return [numbers[index] for index in sorted(range(len(numbers)), key=lambda index: f"{index:0{bits}b}"[::-1])]


def _named(numbers: Sequence[int], trials: Sequence[TrialRecord], candidates: Sequence[Candidate]) -> tuple[int, ...]:
    recorded = {trial.number: trial for trial in trials}
    problems = []
    if unknown := [number for number in numbers if number not in recorded]:
        problems.append(f"{_list(unknown)}: there is no such trial; the last one is {max(recorded, default=None)}")
    waiting = [recorded[n] for n in numbers if n in recorded and recorded[n].status not in SCORED]
    if waiting:
        states = ", ".join(f"{trial.number} ({trial.status})" for trial in waiting)
        problems.append(f"{states}: only a trial that ended with a score can be measured again")
    canonical = {number: candidate.trial for candidate in candidates for number in candidate.trials}
    first: dict[int, int] = {}
    problems += [
        f"{before} and {number} are the same architecture; name one of them"
        for number in numbers
        if number in canonical and (before := first.setdefault(canonical[number], number)) != number
    ]
    if problems:
        raise InputError([FieldProblem(path="choose.trials", message=message) for message in problems])
    return tuple(canonical[number] for number in numbers)


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
