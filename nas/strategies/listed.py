"""A space that has only the cells of a list, such as those that a table of measured heads has."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from nas.formatting import counted
from nas.specs import DenseCellSpace
from nas.strategies.cells import CellSpace
from nas.strategies.distance import CellDistances
from search_spaces.base import content_key
from search_spaces.dense_cell.architecture import OPERATOR_SETS, DenseCell


@dataclass(frozen=True, eq=False)
class ListedSpace(CellSpace):
    """The cells of a list that are in a space of dense cells.

    A strategy puts its cells together as it does in the whole space, by mutation, by a model or by drawing choices; a
    cell that is not in the list is then replaced by the nearest one of the list that was not proposed yet, by the
    distance of `nas.strategies.distance`. The strategy sees the replacement, and learns from it, since that is what is
    recorded. Uniform draws are uniform draws from the list. So a strategy gains here just as much as scores are
    similar where cells are: in a list of few random cells the nearest cell differs from the wanted one in most of its
    branches, and small mutations, which the whole space allows, do not exist.

    Args:
        spec: The space.
        listed: Cells of the list; use `of`, which leaves out those that are not in the space.
    """

    listed: tuple[DenseCell, ...] = ()
    _members: frozenset[DenseCell] = field(init=False, repr=False)
    _distances: CellDistances = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_members", frozenset(self.listed))
        object.__setattr__(self, "_distances", CellDistances(self.listed))

    # Two spaces are equal only if they are one: comparing long lists would take longer than what is cached by it.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @classmethod
    def of(cls, spec: DenseCellSpace, cells: Iterable[DenseCell]) -> ListedSpace:
        """Make the space of the cells that are in `spec`, each once, in the order given.

        Raises:
            ValueError: None of them is, or the space has a limit.
        """
        if spec.limit is not None:
            raise ValueError("a list of cells cannot have space.limit; leave the limit out, or shorten the list")
        listed = tuple(dict.fromkeys(cell for cell in cells if _contains(spec, cell)))
        if not listed:
            branches = counted(spec.branches, "branch", "branches")
            raise ValueError(
                f"none of the listed cells is in the space of {branches} and {spec.operators} operators "
                f"(levels {spec.levels}, channels {spec.channels}); search a space that the list has cells of"
            )
        return cls(spec, listed=listed)

    @property
    def key(self) -> str:
        """Content hash (sha256 hex) of the list."""
        return content_key([cell.key for cell in self.listed])

    @property
    def distinct(self) -> int:
        return len(self.listed)

    def sample(self, rng: random.Random) -> DenseCell:
        """Sample uniformly from the list."""
        return rng.choice(self.listed)

    def nearest(self, architecture: DenseCell, known: Collection[DenseCell]) -> DenseCell:
        """Return the nearest cell of the list that is not known; the earlier one in the list of two equally near."""
        if architecture in self._members and architecture not in known:
            return architecture
        return next((near for near in self._distances.by_distance(architecture) if near not in known), architecture)

    def all(self) -> tuple[DenseCell, ...]:
        return self.listed


def _contains(spec: DenseCellSpace, cell: DenseCell) -> bool:
    options = OPERATOR_SETS[spec.operators]
    return (
        len(cell.branches) == spec.branches
        and cell.levels == spec.levels
        and (cell.channels is None if spec.channels is None else cell.channels in spec.channels)
        and all(branch.operator in options for branch in cell.branches)
    )
