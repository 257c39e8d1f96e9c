"""Measured latency: how long one forward pass takes, on which machine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from search_spaces.base import StrictModel


class Latency(StrictModel):
    """How long one forward pass takes for one image (batch 1), and where that was measured.

    Attributes:
        what: head: head and logits, on feature maps of the crop, since the backbone is frozen and the same for all
            trials; network: the entire network, on an image of the size of the crop.
        median_ms: Median of the runs in milliseconds.
        iqr_ms: Their interquartile range in milliseconds.
        runs: Number of timed runs, after those that warm up.
        device: Kind of device.
        model: Name of that device: of the GPU, or of the processor with its vector instructions.
        threads: CPU threads; None on a GPU, where a run is the replay of a CUDA graph.
        torch: The version of torch.
    """

    what: Literal["head", "network"]
    median_ms: Annotated[float, Field(gt=0)]
    iqr_ms: Annotated[float, Field(ge=0)]
    runs: Annotated[int, Field(ge=1)]
    device: Literal["cpu", "cuda"]
    model: str
    threads: Annotated[int, Field(ge=1)] | None
    torch: str

    def compares(self, other: Latency) -> bool:
        """Return whether another latency was measured on the same kind of device, with as many threads."""
        here = (self.what, self.device, self.model, self.threads)
        return here == (other.what, other.device, other.model, other.threads)

    def agrees(self, other: Latency) -> bool:
        """Return whether two medians differ by no more than the larger of the two interquartile ranges."""
        return abs(self.median_ms - other.median_ms) <= max(self.iqr_ms, other.iqr_ms)
