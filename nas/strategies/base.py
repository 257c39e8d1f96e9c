"""The contract of a strategy: ask for an architecture, tell what it scored."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from search_spaces.dense_cell.architecture import DenseCell, OperatorSet
from search_spaces.dense_cell.space import cells, distinct, sample
from search_spaces.document import Architecture

SCORED = frozenset({"completed", "pruned"})
FINISHED = SCORED | {"failed", "stopped"}
STATUSES = FINISHED | {"running"}

UNIFORM_TRIES = 200
"""Uniform draws before a space that is small enough is searched for what is left."""

ENUMERABLE = 20_000
"""Different cells up to which a space is enumerated: one and two branches."""


class SpaceExhausted(Exception):  # noqa: N818  it is an end, not an error: every architecture was asked for
    """No architecture of the space is left that was not asked for."""


@dataclass(frozen=True)
class Observation:
    """What became of a trial. `status` is running, completed, pruned, failed or stopped.

    `score` is that of the rung at `iteration`; both are None where nothing was measured. The score of a running
    trial is not looked at: it is told again when the trial ends.
    """

    number: int
    architecture: Architecture
    status: str
    score: float | None = None
    iteration: int | None = None

    def __post_init__(self) -> None:
        assert self.status in STATUSES, self.status
        assert (self.score is None) == (self.iteration is None)

    @property
    def scored(self) -> bool:
        """Ended by itself or by early stopping, with a score."""
        return self.status in SCORED and self.score is not None


class SearchStrategy(Protocol):
    """Proposes architectures and never the same twice.

    An answer depends on the seed, the number, and what was asked for and told before; not on the order of the
    tells, the process, or the time. So a strategy restored from the record goes on as if it had lived on, when
    numbers are asked for in ascending order.
    """

    def ask(self, number: int) -> Architecture:
        """The architecture of trial `number`; the same one if asked again. SpaceExhausted when none is left."""
        ...

    def tell(self, observation: Observation) -> None:
        """Take note of a trial that ended. A second end of the same trial is ignored."""
        ...

    def restore(self, observations: Iterable[Observation]) -> None:
        """Take note of everything that was asked for in an earlier life, trials in flight included."""
        ...


class CellStrategy(ABC):
    """What the strategies over dense cells share: no repeats, restoring, a uniform draw to fall back on.

    A repeat is judged by the cell, not by how its branches are ordered.
    """

    def __init__(self, branches: int, seed: int, operators: OperatorSet = "plain") -> None:
        self._branches = branches
        self._operators = operators
        self._seed = seed
        self._proposed: dict[int, DenseCell] = {}
        self._seen: set[DenseCell] = set()
        self._ended: set[int] = set()

    def ask(self, number: int) -> DenseCell:
        """A cell that was not asked for before, or the one of this number if it was."""
        if number in self._proposed:
            return self._proposed[number]
        if len(self._seen) >= distinct(self._branches, self._operators):
            raise SpaceExhausted(f"all {len(self._seen)} cells of {self._branches} branches were asked for")
        # A text seeds through sha512, so numbers near each other give streams that have nothing in common.
        rng = random.Random(f"{self._seed}/{number}")  # noqa: S311  a search, not a secret
        cell = self._propose(number, rng) or self._uniform(rng)
        self._take(number, cell)
        return cell

    def tell(self, observation: Observation) -> None:
        """Take note of a trial, asked for here or in an earlier life."""
        number, cell = observation.number, observation.architecture
        assert isinstance(cell, DenseCell), cell.kind
        if number not in self._proposed:
            self._take(number, cell)
        if observation.status in FINISHED and number not in self._ended:
            self._ended.add(number)
            self._learn(observation)

    def restore(self, observations: Iterable[Observation]) -> None:
        """Tell all of them, in the order in which they were asked for."""
        for observation in sorted(observations, key=lambda observation: observation.number):
            self.tell(observation)

    @abstractmethod
    def _propose(self, number: int, rng: random.Random) -> DenseCell | None:
        """An unseen cell, or None to take a uniform one."""

    def _learn(self, observation: Observation) -> None:  # noqa: B027  a strategy need not learn
        """A trial ended; called once for each."""

    def _take(self, number: int, cell: DenseCell) -> None:
        """From now on `cell` is trial `number`'s."""
        self._proposed[number] = cell
        self._seen.add(cell)

    def _uniform(self, rng: random.Random) -> DenseCell:
        """Uniform over the space without what was seen; enumerates a small space when draws keep hitting that."""
        tries = 0
        while (cell := sample(self._branches, rng, self._operators)) in self._seen:
            tries += 1
            if tries == UNIFORM_TRIES and distinct(self._branches, self._operators) <= ENUMERABLE:
                every = _all_cells(self._branches, self._operators)
                return rng.choice([left for left in every if left not in self._seen])
        return cell


@cache
def _all_cells(branches: int, operators: OperatorSet) -> tuple[DenseCell, ...]:
    return tuple(cells(branches, operators))
