"""The contract of a search strategy: ask for an architecture, tell its score."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic

from nas.results.standing import Standing
from nas.results.status import SCORED, TrialStatus
from nas.specs import Vector
from nas.strategies.spaces import A, Space
from search_spaces.document import Architecture

STATUSES = frozenset(map(str, TrialStatus))
FINISHED = STATUSES - {TrialStatus.RUNNING}

MUTATION_TRIES = 100
"""Mutations that may give seen cells, or cells beyond the limit, before a uniform draw is made instead."""

UNIFORM_TRIES = 200
"""Uniform draws of known cells after which a small space is enumerated to draw from its unseen cells."""

LIMITED_TRIES = 10_000
"""Uniform draws beyond the limit, or of known cells, after which a space with a limit counts as exhausted."""


class SpaceExhausted(Exception):  # noqa: N818  the end of a search, no error
    """Every architecture of the space was proposed, or none of many draws was within the limit; a sentence says so."""


@dataclass(frozen=True)
class Observation:
    """The state of a trial, as told to a strategy.

    Attributes:
        number: The trial; below 0 for a trial of another search, from which this one starts.
        architecture: As recorded in the store.
        status: running, completed, pruned, failed or stopped.
        score: The value of the first objective, mIoU by default, at the rung `iteration`; None where nothing was
            measured. A strategy ignores the score of a running trial, since the trial is told again at its end.
        iteration: The deepest rung with a score; None where nothing was measured.
        unjudged: The first rung that the trial passed unjudged, and its score there; see `nas.results.standing`.
        values: Of all objectives at the rung `iteration`, the first of which is the score, each such that the greater
            one is better; empty where there is only the score.
    """

    number: int
    architecture: Architecture
    status: str
    score: float | None = None
    iteration: int | None = None
    unjudged: Standing | None = None
    values: Vector = ()

    def __post_init__(self) -> None:
        assert self.status in STATUSES, self.status
        assert (self.score is None) == (self.iteration is None)

    @property
    def scored(self) -> bool:
        """Whether the trial was completed or stopped early, with a score."""
        return self.status in SCORED and self.score is not None


class SearchStrategy(ABC):
    """Proposes the architectures of a search's trials, never one twice, and learns from how the trials ended.

    The contract. A strategy of your own keeps it, and `nas.strategies.contract.StrategyContract` is a test suite that
    checks it; `SpaceStrategy` keeps most of it for strategies that search a space.

    - **Proposals.** Every proposal is an architecture of the space and within its limit. It differs from all that were
      proposed or told before, whether their trials run, ended with a score, were stopped, or failed, and whatever the
      order of their parts in which they are written. When nothing is left, `ask` raises `SpaceExhausted`.
    - **State.** The record of trials is all that outlives a process. So a strategy restored from the trials recorded so
      far proposes what the strategy of an uninterrupted search would have proposed. What `ask` returns is written to
      the record in its canonical form: a strategy learns from the architecture that it is told, not from the one that
      it proposed, which may have its parts in another order.
    - **Chance.** A proposal depends on the seed, the trial's number and the earlier calls. It depends neither on the
      time, the process and its random generators, nor on the order of the tells: asked after the same trials were told,
      it is the same. A generator that lives from ask to ask cannot be restored from the record; a new one seeded by
      seed and number can.
    - **Concurrency.** Numbers are asked for in ascending order, and many may be outstanding: 370 workers ask 370 times
      before the first is told. They end in any order, and some never do.
    - **Failures.** A trial that failed or was stopped has no result to learn from. It uses up its architecture and its
      number like any other.
    - **Rungs.** A score is compared with scores at the same rung only. Which of two trials is better is said by
      `nas.results.standing`: a deeper rung counts first. Nothing may depend on how scores of one rung lie to those
      of another.
    """

    @abstractmethod
    def ask(self, number: int) -> Architecture:
        """Propose the architecture of a trial; the same architecture for the same number.

        Args:
            number: The trial: 0, 1, 2, ... in this order, apart from numbers that were asked for or told before.

        Raises:
            SpaceExhausted: Every architecture of the space was proposed.
        """

    @abstractmethod
    def tell(self, observation: Observation) -> None:
        """Learn from a trial that ended, or note the architecture of one that runs.

        A trial need not have been asked for here: trials of an earlier process, and trials of other searches with
        negative numbers, are told as well. A second end of the same trial is ignored.
        """

    @abstractmethod
    def enqueue(self, architectures: Iterable[Architecture]) -> None:
        """Propose these architectures before any others, in this order, but none that was proposed or told.

        Called before the first `ask`. The architectures are proposed with the first numbers, so they are in the record
        like any others, and a restored strategy goes on with the next of them.
        """

    def restore(self, observations: Iterable[Observation]) -> None:
        """Restore the state of an earlier process from all of its trials, trials in flight included, in any order."""
        for observation in sorted(observations, key=lambda observation: observation.number):
            self.tell(observation)


class SpaceStrategy(SearchStrategy, Generic[A]):
    """Base of the strategies that search a space: no repeats, restoring, a uniform draw as the fallback.

    Cells that differ only in the order of their branches are the same cell, and so it is with networks and their
    blocks. A subclass says what to propose (`_propose`), drawing from the given generator alone, and where it learns,
    what from (`_learn`).

    Args:
        space: The architectures; none beyond its limit is proposed.
        seed: Of the search.
    """

    def __init__(self, space: Space[A], seed: int) -> None:
        self._space = space
        self._seed = seed
        self._proposed: dict[int, A] = {}
        self._seen: set[A] = set()
        self._ended: set[int] = set()
        self._warm = 0
        self._queue: deque[A] = deque()

    def ask(self, number: int) -> A:
        if number in self._proposed:
            return self._proposed[number]
        if len(self._seen) >= self._space.most:
            raise SpaceExhausted(f"the space has only {len(self._seen)} architectures")
        # A string seeds through sha512, so neighbouring numbers give unrelated random streams.
        rng = random.Random(f"{self._seed}/{number}")  # noqa: S311  a search, not a secret
        architecture = self._next_queued() or self._propose(number, rng) or self._uniform(rng)
        architecture = self._space.nearest(architecture, self._seen)
        self._assign(number, architecture)
        return architecture

    def tell(self, observation: Observation) -> None:
        number, architecture = observation.number, self._space.own(observation.architecture)
        if number not in self._proposed:
            self._assign(number, architecture)
            self._warm += number < 0
        if observation.status in FINISHED and number not in self._ended:
            self._ended.add(number)
            self._learn(observation)

    def enqueue(self, architectures: Iterable[Architecture]) -> None:
        self._queue.extend(map(self._space.own, architectures))

    @abstractmethod
    def _propose(self, number: int, rng: random.Random) -> A | None:
        """Propose an unseen architecture within the limit, or None for a uniform draw."""

    def _learn(self, observation: Observation) -> None:
        """Learn from a trial that ended; called once for each trial."""

    def _assign(self, number: int, architecture: A) -> None:
        """Make an architecture that of trial `number`."""
        self._proposed[number] = architecture
        self._seen.add(architecture)

    def _next_queued(self) -> A | None:
        """Return the next enqueued architecture that is new, and drop those before it."""
        while self._queue:
            if self._is_new(architecture := self._queue.popleft()):
                return architecture
        return None

    def _is_new(self, architecture: A) -> bool:
        """Return whether an architecture was not proposed before and is within the limit."""
        return architecture not in self._seen and self._space.admits(architecture)

    def _uniform(self, rng: random.Random) -> A:
        """Draw uniformly from what is new and within the limit; enumerates a small space when too many draws fail."""
        tries = 0
        while not self._is_new(architecture := self._space.sample(rng)):
            tries += 1
            if tries == UNIFORM_TRIES and self._space.enumerable:
                return rng.choice([left for left in self._space.all() if left not in self._seen])
            if tries == LIMITED_TRIES and self._space.limited:
                raise SpaceExhausted(
                    f"none of {tries} further random architectures is new and within space.limit and the constraints: "
                    f"{len(self._seen)} architectures were proposed; higher limits have more"
                )
        return architecture
