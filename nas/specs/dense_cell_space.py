"""Spec of a space of dense prediction cells: branches, operators, levels, widths, limit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from nas.specs.channels import level_channels
from nas.specs.cost_limit import CostLimit, Count, tighter
from nas.specs.fidelity import Fidelity
from nas.specs.space import Space
from nas.specs.trained_cost import decoder_cost, logits_cost
from search_spaces.changes import MutationKind
from search_spaces.cost import Cost, total
from search_spaces.dense_cell.architecture import (
    ASPP_CELL,
    OPERATOR_SETS,
    PUBLISHED_CELL,
    Channels,
    DenseCell,
    Levels,
    OperatorSet,
    operator_index,
)
from search_spaces.dense_cell.cost import CellSetting, behind_branches, cell_cost, smallest_cell
from search_spaces.document import Architecture
from search_spaces.text import architecture_text

NAMED_CELLS: Mapping[str, DenseCell] = {"published": PUBLISHED_CELL, "aspp_separable": ASPP_CELL}
"""The cells that a spec may name."""


class CellLimit(CostLimit):
    """The most parameters and multiply-adds that a cell may have; cells beyond it are never trained.

    Both count the head without a decoder and without its logits (a 1x1 convolution to the classes), multiply-adds for
    one crop.
    """

    parameters: Count | None = Field(None, description="Most trainable parameters of a head, its logits left out.")
    multiply_adds: Count | None = Field(
        None, description="Most multiply-adds of a head for one crop, its logits left out."
    )

    def admits(self, cell: DenseCell, setting: CellSetting) -> bool:
        """Return whether a cell is within the limit."""
        return self.covers(cell_cost(cell, setting))


class DenseCellSpace(Space):
    """The space of dense prediction cells (Chen et al., NeurIPS 2018) with `branches` branches."""

    whole_network: ClassVar[bool] = False
    noun: ClassVar[str] = "dense prediction cell"

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

    @property
    def limited(self) -> bool:
        return self.limit is not None

    def check_architecture(self, architecture: Architecture) -> None:
        if not isinstance(architecture, DenseCell):
            raise ValueError(f"{architecture_text(architecture)} is no cell, and space.kind is {self.kind}")
        self.check_cell(architecture)

    def admits(self, architecture: Architecture, fidelity: Fidelity) -> bool:
        assert isinstance(architecture, DenseCell), architecture.kind
        return self.limit is None or self.limit.admits(architecture, self.setting(fidelity))

    def named(self, name: str) -> Sequence[DenseCell]:
        """Make the cell of this name: it reads the finest of several levels, and has the widest of several widths."""
        cell, widths = NAMED_CELLS[name], (None,) if self.channels is None else self.channels[::-1]
        return [DenseCell(branches=cell.branches, levels=self.levels, channels=width) for width in widths]

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
        why = None
        if kind == "path":
            why = "cells have no path: networks do, of a space of the kind auto_deeplab"
        if kind == "level" and self.levels is None:
            why = "the cells of the space read one feature map: give space.levels"
        if kind == "width" and len(self.channels or ()) < 2:
            why = "the cells of the space have one width: give space.channels at least two"
        if kind == "input" and self.branches == 1 and self.levels is None:
            why = "the only branch of a cell can read F only: give space.branches at least 2"
        if why is not None:
            raise ValueError(f"strategy.mutations names {kind}, but {why}, or leave {kind} out")

    def check_fidelity(self, path: str, fidelity: Fidelity) -> None:
        given = fidelity.backbone.levels
        if self.levels is not None and self.levels != fidelity.head_strides:
            have = "null, the last map alone" if given is None else list(given)
            taken = "" if fidelity.head.decoder is None else f", of which {path}.head.decoder takes the first"
            raise ValueError(
                f"space.levels is {list(self.levels)}, but {path}.backbone.levels is {have}{taken}: "
                "cells read the levels that the backbone gives, so make the two equal"
            )

    def bounded(self, parameters: int | None, multiply_adds: int | None, fidelity: Fidelity) -> Self:
        own = self.limit
        least = CellLimit.model_construct(
            parameters=tighter(parameters, None if own is None else own.parameters),
            multiply_adds=tighter(multiply_adds, None if own is None else own.multiply_adds),
        )
        unbounded = least.parameters is None and least.multiply_adds is None
        if unbounded or self.operators != "plain":
            return self
        try:
            self.setting(fidelity)
        except ValueError:
            if own is None:
                return self
        return self.model_copy(update={"limit": least})

    def check_limit(self, path: str, fidelity: Fidelity, name: str = "space.limit") -> None:
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

    def out_of_reach(
        self, parameters: int | None, multiply_adds: int | None, fidelity: Fidelity, classes: int
    ) -> str | None:
        least, known = self._least_trained(fidelity, classes)
        small = parameters is None or least.parameters <= parameters
        if small and (multiply_adds is None or least.multiply_adds <= multiply_adds):
            return None
        all_of_it = "logits and decoder" if fidelity.head.decoder is not None else "logits"
        return (
            f"no cell of {self.branches} branches costs so little: with its {all_of_it} the smallest has "
            f"{'' if known else 'at least '}{least.parameters:,} parameters and {least.multiply_adds:,} multiply-adds; "
            "raise the limit, or lower branches or channels"
        )

    def _least_trained(self, fidelity: Fidelity, classes: int) -> tuple[Cost, bool]:
        """What the smallest cell costs with decoder and logits, or at least; and whether that is known exactly.

        The channels of some backbones are known only when they are built: of these each map has one at least. Of cells
        with units of global reasoning only the convolution behind the branches is counted.
        """
        strides, backbone = fidelity.head_strides, fidelity.backbone
        width = fidelity.head.channels if self.channels is None else self.channels[0]
        try:
            channels, crop, known = level_channels(backbone), fidelity.crop, True
        except ValueError:
            stride = backbone.strides[-1]  # whether a last part of a cell is one is the backbone's matter, too
            height, breadth = (side // stride * stride for side in fidelity.crop)
            channels, crop, known = (1,) * len(backbone.strides), (height, breadth), False
        read = channels[-len(strides) :]
        setting = CellSetting((sum(read),) if self.levels is None else read, width, strides[0], crop)
        if self.operators == "plain":
            cost = cell_cost(smallest_cell(self.branches, setting.in_channels, width, self.levels), setting)
        else:
            cost, known = behind_branches(self.branches, width, setting), False
        finest = CellSetting(channels[:1], width, backbone.strides[0], crop)
        cells, decoder = math.prod(finest.size), fidelity.head.decoder
        parts = [cost]
        if decoder is not None:
            parts.append(decoder_cost(decoder, width, channels[0], cells))
        parts.append(logits_cost(width if decoder is None else decoder.channels, cells, classes))
        return total(parts), known and classes > 1

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


def _listed(values: tuple[int, ...] | None) -> str:
    return "null" if values is None else str(list(values))
