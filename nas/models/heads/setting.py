"""How a head is built from its architecture (`HeadSetting`)."""

from __future__ import annotations

from dataclasses import dataclass

from nas.models.graph_reasoning import KnowledgeGraph
from nas.models.layers.conv import BN_MOMENTUM
from nas.specs import DecoderSpec
from search_spaces.dense_cell.geometry import rate_multiplier_for


@dataclass(frozen=True)
class HeadSetting:
    """How a head is built from its architecture.

    Attributes:
        channels: Filters of the head.
        dropout: Probability of dropping a feature in training.
        output_stride: Pixels of the image per cell of the features and of the head's output.
        crop: Height and width of the training crop in pixels; they set the dense cell's pooling windows.
        rate_multiplier: Factor on atrous rates, which refer to output stride 16; None for `rate_multiplier_for`.
        bn_momentum: Weight of the newest batch in the running statistics of batch norm.
        knowledge: Graph of the classes; only symbolic graph reasoning reads it.
        decoder: Of DeepLabv3+, behind the head: it reads the finest level, and the head the others; None for none.
    """

    channels: int = 256
    dropout: float = 0.1
    output_stride: int = 16
    crop: tuple[int, int] = (513, 513)
    rate_multiplier: int | None = None
    bn_momentum: float = BN_MOMENTUM
    knowledge: KnowledgeGraph | None = None
    decoder: DecoderSpec | None = None

    def rate(self, rate: int) -> int:
        """Return the number of cells between two taps of a filter whose rate is `rate` at output stride 16."""
        factor = self.rate_multiplier
        return rate * (rate_multiplier_for(self.output_stride) if factor is None else factor)
