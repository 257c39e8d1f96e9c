"""Spec of a space of dense prediction cells: branches, operators, levels, widths, limit."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from nas.specs.channels import level_channels
from nas.specs.fidelity import Fidelity
from search_spaces.base import StrictModel
from search_spaces.dense_cell.architecture import (
    OPERATOR_SETS,
    Channels,
    DenseCell,
    Levels,
    OperatorSet,
    operator_index,
)
from search_spaces.dense_cell.cost import CellSetting, cell_cost, smallest_cell
from search_spaces.dense_cell.mutation import MutationKind

Count = Annotated[int, Field(ge=1, le=10**15)]


class CellLimit(StrictModel):
    """The most parameters and multiply-adds that a cell may have; cells beyond it are never trained.

    Both count the head without a decoder and without its logits (a 1x1 convolution to the classes), multiply-adds for
    one crop.
    """

    parameters: Count | None = Field(None, description="Most trainable parameters of a head, its logits left out.")
    multiply_adds: Count | None = Field(
        None, description="Most multiply-adds of a head for one crop, its logits left out."
    )

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.parameters is None and self.multiply_adds is None:
            raise ValueError("give parameters, multiply_adds or both; without any limit leave it out")
        return self

    def admits(self, cell: DenseCell, setting: CellSetting) -> bool:
        """Return whether a cell is within the limit."""
        cost = cell_cost(cell, setting)
        return (self.parameters is None or cost.parameters <= self.parameters) and (
            self.multiply_adds is None or cost.multiply_adds <= self.multiply_adds
        )


class DenseCellSpace(StrictModel):
    """The space of dense prediction cells (Chen et al., NeurIPS 2018) with `branches` branches."""

    kind: Literal["dense_cell"] = "dense_cell"
    branches: Annotated[int, Field(ge=1, le=10)] = 5
    # All below are left out of every dump while they are the default, so that specs written before they were there keep
    # their keys.
    operators: OperatorSet = Field(
        "plain",
        exclude_if=lambda operators: operators == "plain",
        description="plain: the paper's 81 operators; extended: these and 11 units of global reasoning.",
    )
    levels: Levels | None = Field(
        None,
        exclude_if=lambda levels: levels is None,
        description="Strides of the feature maps that a branch may read, finest first, as in the fidelity's "
        "backbone.levels. null: cells read one map, the concatenation of all levels where there are several.",
    )
    channels: Annotated[tuple[Channels, ...], Field(min_length=1, max_length=64)] | None = Field(
        None,
        exclude_if=lambda channels: channels is None,
        description="Numbers of filters among which each cell has one; null: all have the fidelity's head.channels.",
    )
    limit: CellLimit | None = Field(
        None,
        exclude_if=lambda limit: limit is None,
        description="Most parameters and multiply-adds of a cell, counted before anything is trained.",
    )

    @field_validator("channels")
    @classmethod
    def _ascending(cls, channels: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if channels is not None and any(a >= b for a, b in itertools.pairwise(channels)):
            raise ValueError(f"channels must be different numbers of filters, ascending, not {list(channels)}")
        return channels

    @model_validator(mode="after")
    def _counts_what_it_limits(self) -> Self:
        if self.limit is not None and self.operators != "plain":
            raise ValueError(
                "a limit counts the paper's operators only, not the units of operators: extended; leave one of them out"
            )
        return self

    def check_cell(self, cell: DenseCell) -> None:
        """Check that a cell belongs to the space; its limit is not looked at.

        Raises:
            ValueError: The cell has other branches, operators, levels or channels than cells of the space.
        """
        options = OPERATOR_SETS[self.operators]
        foreign = [branch.operator.op for branch in cell.branches if operator_index(branch.operator) >= len(options)]
        if len(cell.branches) != self.branches:
            raise ValueError(f"the cell has {len(cell.branches)} branches, and space.branches is {self.branches}")
        if foreign:
            raise ValueError(f"the cell has the operator {foreign[0]}, which needs space.operators: extended")
        if cell.levels != self.levels:
            raise ValueError(
                f"the cell reads the levels {_listed(cell.levels)}, and space.levels is {_listed(self.levels)}"
            )
        if cell.channels not in (self.channels or (None,)):
            width = "no channels of its own" if cell.channels is None else f"{cell.channels} channels"
            raise ValueError(f"the cell has {width}, and space.channels is {_listed(self.channels)}")

    def check_mutation(self, kind: MutationKind) -> None:
        """Check that cells of the space can be mutated in a way.

        Raises:
            ValueError: No cell of the space has a change of that kind.
        """
        why = None
        if kind == "level" and self.levels is None:
            why = "the cells of the space read one feature map: give space.levels"
        if kind == "width" and len(self.channels or ()) < 2:
            why = "the cells of the space have one width: give space.channels at least two"
        if kind == "input" and self.branches == 1 and self.levels is None:
            why = "the only branch of a cell can read F only: give space.branches at least 2"
        if why is not None:
            raise ValueError(f"strategy.mutations names {kind}, but {why}, or leave {kind} out")

    def check_levels(self, path: str, fidelity: Fidelity) -> None:
        """Check that the cells' levels are those of a fidelity, whose path in the spec is `path`.

        Raises:
            ValueError: They differ.
        """
        given = fidelity.backbone.levels
        if self.levels is not None and self.levels != fidelity.head_strides:
            have = "null, the last map alone" if given is None else list(given)
            taken = "" if fidelity.head.decoder is None else f", of which {path}.head.decoder takes the first"
            raise ValueError(
                f"space.levels is {list(self.levels)}, but {path}.backbone.levels is {have}{taken}: "
                "cells read the levels that the backbone gives, so make the two equal"
            )

    def bounded(self, parameters: int | None, multiply_adds: int | None) -> DenseCellSpace:
        """Return the space of those cells that are also within these bounds, where its cells can be counted."""
        own = self.limit
        least = CellLimit.model_construct(
            parameters=_least(parameters, None if own is None else own.parameters),
            multiply_adds=_least(multiply_adds, None if own is None else own.multiply_adds),
        )
        unbounded = least.parameters is None and least.multiply_adds is None
        return self if unbounded or self.operators != "plain" else self.model_copy(update={"limit": least})

    def check_limit(self, path: str, fidelity: Fidelity, name: str = "space.limit") -> None:
        """Check that some cell is within the limit at a fidelity, whose path in the spec is `path`.

        Args:
            path: Of the fidelity.
            fidelity: The fidelity.
            name: What in the spec limits the cells.

        Raises:
            ValueError: None is, or the cost of a cell is not known before the network is built.
        """
        if self.limit is None:
            return
        try:
            setting = self.setting(fidelity)
        except ValueError as error:
            raise ValueError(
                f"space.limit needs the channels of {path}.backbone: {error}; leave the limit out"
            ) from None
        width = fidelity.head.channels if self.channels is None else self.channels[0]
        smallest = smallest_cell(self.branches, setting.in_channels, width, self.levels)
        if not self.limit.admits(smallest, setting):
            cost = cell_cost(smallest, setting)
            raise ValueError(
                f"no cell of {self.branches} branches is within {name}: the smallest has {cost.parameters} "
                f"parameters and {cost.multiply_adds} multiply-adds; raise the limit or lower branches or channels"
            )

    def setting(self, fidelity: Fidelity) -> CellSetting:
        """Return what the cost of the space's cells depends on at a fidelity.

        Raises:
            ValueError: The channels of the backbone are known only when it is built.
        """
        strides = fidelity.head_strides
        channels = level_channels(fidelity.backbone)[-len(strides) :]
        return CellSetting(
            in_channels=(sum(channels),) if self.levels is None else channels,
            channels=fidelity.head.channels,
            output_stride=strides[0],
            crop=fidelity.crop,
        )


def _least(one: int | None, other: int | None) -> int | None:
    given = [number for number in (one, other) if number is not None]
    return min(given, default=None)


def _listed(values: tuple[int, ...] | None) -> str:
    return "null" if values is None else str(list(values))
