"""What the rates and grids of a drawing are drawn on (`Setting`): a crop, its feature maps, a factor on rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from nas.specs.fidelity import Fidelity
from search_spaces.dense_cell.geometry import PAPER_STRIDE, rate_multiplier_for


@dataclass(frozen=True)
class Setting:
    """Where an architecture stands when it is drawn; the defaults are a fidelity's.

    Attributes:
        crop: Height and width of the training crop in pixels.
        strides: Of the feature maps that the head reads, finest first, in pixels of the image per cell.
        rate_multiplier: Factor on atrous rates; None for the paper's, 16 / output stride.
        channels: Filters of a head that has no width of its own; None where they are not known.
        levels: Number of strides (4, 8, ...) on which the paths of an Auto-DeepLab's space lie; None where the space is
            not known: then as many as there are.
    """

    crop: tuple[int, int] = (513, 513)
    strides: tuple[int, ...] = (PAPER_STRIDE,)
    rate_multiplier: int | None = None
    channels: int | None = None
    levels: int | None = None

    @classmethod
    def of(cls, fidelity: Fidelity, levels: int | None = None) -> Self:
        """Make the setting in which a fidelity measures architectures of a space of so many `levels`."""
        head = fidelity.head
        return cls(fidelity.crop, fidelity.head_strides, head.rate_multiplier, head.channels, levels)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the finest map in cells."""
        return -(-self.crop[0] // self.strides[0]), -(-self.crop[1] // self.strides[0])

    def rate(self, rate: int) -> int:
        """Return the number of cells between two taps of a filter whose rate is `rate` at output stride 16."""
        factor = self.rate_multiplier
        return rate * (rate_multiplier_for(self.strides[0]) if factor is None else factor)

    @property
    def text(self) -> str:
        """The maps in words: "33×33 cells (crop 513×513 at stride 16)"."""
        height, width = self.size
        return f"{height}×{width} cells (crop {self.crop[0]}×{self.crop[1]} at stride {self.strides[0]})"

    @property
    def map_text(self) -> str:
        """What a head of one map reads: "the feature map", or the levels that are concatenated to one."""
        if len(self.strides) == 1:
            return "the feature map"
        if len(set(self.strides)) < len(self.strides):
            return f"{len(self.strides)} maps of stride {self.strides[0]}, concatenated"
        return f"maps of strides {', '.join(map(str, self.strides))}, concatenated"
