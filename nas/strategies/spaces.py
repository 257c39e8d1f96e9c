"""What a strategy needs to know of a space: to draw, mutate and mix its architectures, and to write them as choices."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from nas.specs import Space as SpaceSpec
from search_spaces.changes import MutationKind
from search_spaces.document import Architecture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

A = TypeVar("A", bound=Architecture)
"""The type of the architectures of a space."""


class Space(ABC, Generic[A]):
    """A space of architectures in which a strategy searches, within its limit if it has one.

    A strategy knows its space by this class alone, so that every strategy searches every space. What a spec says about
    the space is `nas.specs.Space`.
    """

    spec: SpaceSpec
    """The space as a spec describes it."""

    @property
    @abstractmethod
    def distinct(self) -> int:
        """Number of different architectures, those beyond the limit included."""

    @property
    @abstractmethod
    def limited(self) -> bool:
        """Whether there is a limit, beyond which architectures are not proposed."""

    @property
    @abstractmethod
    def enumerable(self) -> bool:
        """Whether the space is so small that `all` may list it."""

    @property
    def most(self) -> int:
        """Number of different architectures; with a limit on a space that is not enumerable, an upper bound."""
        return len(self.all()) if self.limited and self.enumerable else self.distinct

    @abstractmethod
    def own(self, architecture: Architecture) -> A:
        """Return an architecture that is known to be of this space, as of its type."""

    @abstractmethod
    def admits(self, architecture: A) -> bool:
        """Return whether an architecture of the space is within the limit."""

    @abstractmethod
    def sample(self, rng: random.Random) -> A:
        """Sample uniformly from the architectures as written, whether within the limit or not."""

    @abstractmethod
    def mutate(self, architecture: A, rng: random.Random, kinds: Sequence[MutationKind] | None = None) -> A | None:
        """Change one choice of an architecture; the result may be beyond the limit.

        Args:
            architecture: The architecture to mutate.
            rng: Source of all draws.
            kinds: What to change; None for what the space changes by default.

        Returns:
            The mutated architecture; None where it has no change of these kinds.
        """

    @abstractmethod
    def mix(self, one: A, other: A, rng: random.Random) -> A:
        """Make an architecture of the parts of two others (crossover); the result may be beyond the limit."""

    @abstractmethod
    def all(self) -> tuple[A, ...]:
        """List every different architecture within the limit once."""

    @property
    @abstractmethod
    def choices(self) -> Mapping[str, Sequence[int]]:
        """The values of each choice by its name; what leaves no choice is left out.

        Choices whose names are equal up to the first underscore are of one type and mean the same by the same value.
        """

    @property
    @abstractmethod
    def in_turn(self) -> Sequence[str]:
        """The names of the choices, in the order in which they are made where they are made in turn."""

    @property
    @abstractmethod
    def even(self) -> bool:
        """Whether even draws of every choice, independent of each other, give a uniform draw from the space."""

    @abstractmethod
    def encode(self, architecture: A) -> Mapping[str, int]:
        """Read the value of each choice off an architecture, with its parts in the order as written."""

    @abstractmethod
    def decode(self, values: Mapping[str, int]) -> A:
        """Make the architecture that has these values of the choices."""

    @abstractmethod
    def similarity(self, architectures: Sequence[A], others: Sequence[A]) -> NDArray[np.float64]:
        """Compare every architecture of one list with every one of another.

        Args:
            architectures: n architectures.
            others: m architectures.

        Returns:
            Similarities in (0, 1], of shape (n, m): 1 for equal ones. Those of any list to itself are positive
            semidefinite.
        """

    def nearest(self, architecture: A, known: Collection[A]) -> A:  # noqa: ARG002  for subclasses
        """Return the unknown architecture of this space that a strategy's proposal stands for: here itself.

        A space that has only some of the architectures (`nas.strategies.listed`) returns another.
        """
        return architecture
