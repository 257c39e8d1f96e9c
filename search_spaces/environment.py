"""The environment of a measurement: machine, software and data, on which its score depends beside the trial itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from search_spaces.base import StrictModel, content_key


class Environment(StrictModel):
    """What a score depends on beside architecture, fidelity and seed: two trials equal in all four score the same.

    Attributes:
        device: Kind of device that trained the network.
        model: Name of that device: of the GPU, or of the processor with its vector instructions.
        threads: CPU threads of each process; None on a GPU, whose results do not depend on them.
        processes: Number of processes that trained the network together.
        inputs: Content hash (sha256 hex) of the data set, the backbone's weights and the statistics of its features.
        software: Version of each package that decides numbers, by its name.
    """

    device: Literal["cpu", "cuda"]
    model: str
    threads: Annotated[int, Field(ge=1)] | None
    processes: Annotated[int, Field(ge=1)] = 1
    inputs: str
    software: dict[str, str]

    @property
    def key(self) -> str:
        """Content hash (sha256 hex): equal environments have equal keys."""
        return content_key(self.model_dump(mode="json"))
