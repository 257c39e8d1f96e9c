"""The dense cells that a search may propose: those of its space, within its limit."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from nas.specs import DenseCellSpace, Fidelity
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.dense_cell.cost import CellSetting
from search_spaces.dense_cell.mutation import MutationKind, mutate_by_kind
from search_spaces.dense_cell.space import cells, distinct, mutate, sample

ENUMERABLE = 20_000
"""Number of distinct cells up to which a space is enumerated: cells of one and two branches."""


@dataclass(frozen=True)
class CellSpace:
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
        """Number of different cells, those beyond the limit included."""
        space = self.spec
        return distinct(space.branches, space.operators, space.levels, space.channels or ())

    @property
    def enumerable(self) -> bool:
        """Whether the space is so small that `all` may list it."""
        return self.distinct <= ENUMERABLE

    @property
    def most(self) -> int:
        """Number of different cells; with a limit on a space that is not enumerable, an upper bound."""
        return self.distinct if self.spec.limit is None or not self.enumerable else len(self.all())

    def admits(self, cell: DenseCell) -> bool:
        """Return whether a cell of the space is within the limit."""
        if self.spec.limit is None:
            return True
        assert self.setting is not None, "a limit needs a setting"
        return self.spec.limit.admits(cell, self.setting)

    def sample(self, rng: random.Random) -> DenseCell:
        """Sample uniformly from the cells as written, whether within the limit or not."""
        space = self.spec
        return sample(space.branches, rng, space.operators, space.levels, space.channels or ())

    def mutate(
        self, cell: DenseCell, rng: random.Random, kinds: Sequence[MutationKind] | None = None
    ) -> DenseCell | None:
        """Change one choice of a cell; the result may be beyond the limit.

        Args:
            cell: The cell to mutate.
            rng: Source of all draws.
            kinds: What to change; by default the input or operator of a branch, or the width, as
                `search_spaces.dense_cell.space.mutate` says.

        Returns:
            The mutated cell; None where the cell has no change of these kinds.
        """
        operators, channels = self.spec.operators, self.spec.channels or ()
        if kinds is None:
            return mutate(cell, rng, operators, channels)
        return mutate_by_kind(cell, rng, kinds, operators, channels)

    def nearest(self, cell: DenseCell, known: Collection[DenseCell]) -> DenseCell:  # noqa: ARG002  for subclasses
        """Return the unknown cell of this space that a strategy's cell stands for: here every cell stands for itself.

        A space that has only some of the cells (`nas.strategies.listed`) returns another.
        """
        return cell

    def all(self) -> tuple[DenseCell, ...]:
        """List every different cell within the limit once."""
        return _all(self)


@cache
def _all(space: CellSpace) -> tuple[DenseCell, ...]:
    spec = space.spec
    every = cells(spec.branches, spec.operators, spec.levels, spec.channels or ())
    return tuple(cell for cell in every if space.admits(cell))
