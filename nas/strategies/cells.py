"""The dense cells that a search may propose: those of its space, within its limit."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from nas.specs import DenseCellSpace, Fidelity
from nas.strategies.choices import cell_choices, decode, encode
from nas.strategies.spaces import Space
from search_spaces.changes import MutationKind
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.dense_cell.cost import CellSetting
from search_spaces.dense_cell.mutation import mutate_by_kind
from search_spaces.dense_cell.space import cells, distinct, mutate, sample
from search_spaces.document import Architecture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ENUMERABLE = 20_000
"""Number of distinct cells up to which a space is enumerated: cells of one and two branches."""


@dataclass(frozen=True)
class CellSpace(Space[DenseCell]):
    """A space of dense cells and what their cost depends on.

    Attributes:
        spec: The space.
        setting: Where the cells stand; None for a space without a limit.
    """

    spec: DenseCellSpace
    setting: CellSetting | None = None

    @classmethod
    def at(cls, spec: DenseCellSpace, fidelity: Fidelity) -> CellSpace:
        """Make the space of a search, of `BlackBoxSpec.space_at`; the limit counts the cells at its fidelity."""
        return cls(spec, None if spec.limit is None else spec.setting(fidelity))

    @property
    def distinct(self) -> int:
        space = self.spec
        return distinct(space.branches, space.operators, space.levels, space.channels or ())

    @property
    def limited(self) -> bool:
        return self.spec.limited

    @property
    def enumerable(self) -> bool:
        return self.distinct <= ENUMERABLE

    def own(self, architecture: Architecture) -> DenseCell:
        assert isinstance(architecture, DenseCell), architecture.kind
        return architecture

    def admits(self, architecture: DenseCell) -> bool:
        if self.spec.limit is None:
            return True
        assert self.setting is not None, "a limit needs a setting"
        return self.spec.limit.admits(architecture, self.setting)

    def sample(self, rng: random.Random) -> DenseCell:
        """Sample uniformly from the cells as sequences of branches, whether within the limit or not."""
        space = self.spec
        return sample(space.branches, rng, space.operators, space.levels, space.channels or ())

    def mutate(
        self, architecture: DenseCell, rng: random.Random, kinds: Sequence[MutationKind] | None = None
    ) -> DenseCell | None:
        """Change one choice of a cell; by default the input or operator of a branch, or the width.

        See `search_spaces.dense_cell.space.mutate` for the default, `search_spaces.dense_cell.mutation` for kinds.
        """
        operators, channels = self.spec.operators, self.spec.channels or ()
        if kinds is None:
            return mutate(architecture, rng, operators, channels)
        return mutate_by_kind(architecture, rng, kinds, operators, channels)

    def mix(self, one: DenseCell, other: DenseCell, rng: random.Random) -> DenseCell:
        """Make a cell that has each branch, and the width, of one of two cells, drawn evenly (uniform crossover).

        A branch reads feature maps or branches before it, so it stays valid at its place whatever the others are.
        """
        branches = tuple(rng.choice(pair) for pair in zip(one.branches, other.branches, strict=True))
        return DenseCell(branches=branches, levels=one.levels, channels=rng.choice((one.channels, other.channels)))

    @property
    def choices(self) -> Mapping[str, Sequence[int]]:
        return cell_choices(self.spec)

    @property
    def in_turn(self) -> Sequence[str]:
        """The choices branch by branch, then the width."""
        names = [name for i in range(self.spec.branches) for name in (f"input_{i}", f"operator_{i}")]
        return [name for name in (*names, "channels") if name in self.choices]

    @property
    def even(self) -> bool:
        return True

    def encode(self, architecture: DenseCell) -> Mapping[str, int]:
        return encode(architecture, self.choices)

    def decode(self, values: Mapping[str, int]) -> DenseCell:
        return decode(values, self.spec)

    def similarity(self, architectures: Sequence[DenseCell], others: Sequence[DenseCell]) -> NDArray[np.float64]:
        from nas.strategies.cell_similarity import cell_similarity  # numpy: the service needs none of it

        return cell_similarity(architectures, others)

    def all(self) -> tuple[DenseCell, ...]:
        return _all(self)


@cache
def _all(space: CellSpace) -> tuple[DenseCell, ...]:
    spec = space.spec
    every = cells(spec.branches, spec.operators, spec.levels, spec.channels or ())
    return tuple(cell for cell in every if space.admits(cell))
