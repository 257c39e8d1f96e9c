"""Answers about the snapshots of a differentiable search."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from nas.schemas.base import PublicModel


class SnapshotPublic(PublicModel):
    """The network that a run of a differentiable search decoded to after an epoch.

    Entropies are relative to uniform: 1 undecided, 0 decided.
    """

    run: int = Field(description="Number of the run, from 0: one run for each seed.")
    epoch: int = Field(description="Epochs so far; 1 after the first.")
    step: int
    architecture: dict[str, Any]
    text: str = Field(description="The architecture in one line.")
    architecture_key: str
    path: tuple[int, ...] = Field(description="Level of each layer: 0 is stride 4, 1 is stride 8, ...")
    alpha_entropy: float
    beta_entropy: float
    supernet_miou: float = Field(description="Validation mIoU of the supernet in [0, 1].")
    train_loss: float
    architecture_loss: float | None
    hessian_eigenvalue: float | None
    device_seconds: float
    finished: bool
    stopped_by: str | None = Field(description="The remedy against collapse that ended the run early.")
    trial: int | None = Field(description="Number of the trial that measured the decoded network.")
    score: float | None = Field(description="Validation mIoU of the decoded network in that trial, in [0, 1].")
    created_at: datetime


class SnapshotDetail(SnapshotPublic):
    """A snapshot with the probabilities behind it and the architecture document.

    The edges of a cell are ordered block after block, for each block by the state that the edge reads.
    """

    operators: tuple[str, ...]
    alpha: tuple[tuple[float, ...], ...] = Field(description="Probabilities of the operators, `alpha[edge][operator]`.")
    beta: tuple[tuple[float, ...], ...] = Field(
        description="Probabilities of the edges that leave a node of the trellis, `beta[node][edge]`: nodes by layer "
        "and level, edges from the finest level that they lead to."
    )
    document: dict[str, Any]
