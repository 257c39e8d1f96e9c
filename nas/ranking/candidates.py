"""The architectures that a search has scored, in its own order, and the choice of those to measure again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from nas.ranking.selection import stratified, top
from nas.results.standing import standing
from nas.results.status import TrialStatus
from nas.specs import Explicit, Stratified, Top
from nas.store.records import TrialRecord
from search_spaces.document import Architecture
from search_spaces.validation import FieldProblem, InputError

SCORED = (TrialStatus.COMPLETED, TrialStatus.PRUNED)
"""A trial that was stopped with its search has a score too, but not because of it: its place says nothing."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One architecture as the search has measured it, at the deepest rung that any of its trials reached.

    `score` and `device_seconds` are means over the trials there: a reference search has one for each seed. `trials`
    are the numbers of all that are scored, ascending; the first one, whose record is `first`, names the architecture.
    """

    trials: tuple[int, ...]
    first: TrialRecord
    iteration: int
    score: float
    device_seconds: float

    @property
    def trial(self) -> int:
        """The number that names it."""
        return self.trials[0]

    @property
    def architecture_key(self) -> str:
        """Content key of the architecture."""
        return self.first.architecture_key

    @property
    def architecture(self) -> Architecture:
        """The architecture in its canonical form."""
        return self.first.architecture


def scored(trials: Iterable[TrialRecord]) -> list[Candidate]:
    """The distinct architectures among a search's trials that ended with a score, by trial number."""
    ended = [trial for trial in trials if trial.status in SCORED]
    ended.sort(key=lambda trial: (trial.architecture_key, trial.number))
    groups = groupby(ended, key=lambda trial: trial.architecture_key)
    return sorted((_candidate(list(group)) for _, group in groups), key=lambda candidate: candidate.trial)


def _candidate(trials: Sequence[TrialRecord]) -> Candidate:
    iteration = max(trial.iteration or 0 for trial in trials)
    deepest = [trial for trial in trials if trial.iteration == iteration]
    scores = [trial.score for trial in deepest if trial.score is not None]
    assert len(scores) == len(deepest), "a trial that ended so has a score"
    return Candidate(
        trials=tuple(trial.number for trial in trials),
        first=trials[0],
        iteration=iteration,
        score=sum(scores) / len(scores),
        device_seconds=sum(trial.device_seconds or 0.0 for trial in deepest) / len(deepest),
    )


def places(candidates: Iterable[Candidate]) -> dict[int, float]:
    """Each candidate's place in the search's own order, by trial number; higher is better, equal ones share it.

    The order is that of `nas.results.standing`. Only the order of these numbers means anything.
    """
    standings = {candidate.trial: standing(candidate.iteration, candidate.score) for candidate in candidates}
    place = {at: float(index) for index, at in enumerate(sorted(set(standings.values())))}
    return {trial: place[at] for trial, at in standings.items()}


def choose(
    choice: Stratified | Top | Explicit, trials: Sequence[TrialRecord]
) -> tuple[Literal["stratified", "top", "explicit"], tuple[int, ...]]:
    """How the sample was drawn, and its trial numbers, each of another architecture. `trials` are all of the search.

    Whatever is measured of a stratified sample is spread over it, however far the measuring has come: its middle
    comes before its quarters. InputError, on a field of the full-scale request, for trials that are unknown, have no
    score or are the same architecture, and for more than there are.
    """
    candidates = scored(trials)
    if isinstance(choice, Explicit):
        return choice.how, _named(choice.trials, trials, candidates)
    if choice.count > len(candidates):
        message = f"{choice.count} architectures cannot be chosen: {len(candidates)} have a score"
        raise InputError([FieldProblem(path="choose.count", message=message)])
    if isinstance(choice, Top):
        return choice.how, tuple(top(places(candidates), choice.count))
    return choice.how, tuple(_spread(stratified(places(candidates), choice.count)))


def _spread(numbers: Sequence[int]) -> list[int]:
    """In the order of their bit-reversed index (van der Corput's sequence): every first part covers the whole."""
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
    of = {number: candidate.trial for candidate in candidates for number in candidate.trials}
    first: dict[int, int] = {}
    problems += [
        f"{before} and {number} are the same architecture; name one of them"
        for number in numbers
        if number in of and (before := first.setdefault(of[number], number)) != number
    ]
    if problems:
        raise InputError([FieldProblem(path="choose.trials", message=message) for message in problems])
    return tuple(of[number] for number in numbers)


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
