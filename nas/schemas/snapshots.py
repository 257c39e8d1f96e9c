"""Snapshots of a differentiable search as the REST interface answers them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from nas.schemas.base import PublicModel


class SnapshotPublic(PublicModel):
    """What a run of a differentiable search decoded to after an epoch.

    Entropies are relative to uniform: 1 undecided, 0 decided. `score` is the decoded network's own, where it was
    measured as a trial; `supernet_miou` is the supernet's.
    """

    run: int = Field(description="Which of the search's seeds, from 0.")
    epoch: int = Field(description="From 1.")
    step: int
    architecture: dict[str, Any]
    text: str = Field(description="The architecture in one line.")
    architecture_key: str
    path: tuple[int, ...] = Field(description="Level of each layer: 0 is stride 4, 1 is stride 8, ...")
    alpha_entropy: float
    beta_entropy: float
    supernet_miou: float
    train_loss: float
    architecture_loss: float | None
    hessian_eigenvalue: float | None
    device_seconds: float
    finished: bool
    stopped_by: str | None = Field(description="The remedy that ended the run early.")
    trial: int | None = Field(description="The trial that measured the decoded network.")
    score: float | None = Field(description="Its validation mIoU in [0, 1].")
    created_at: datetime


class SnapshotDetail(SnapshotPublic):
    """A snapshot with the probabilities behind it and the architecture document.

    `alpha[edge][operator]`, edges block after block, each from its first possible input; `beta[node][way on]`, nodes by
    layer and level, ways on from the finest level they lead to.
    """

    operators: tuple[str, ...]
    alpha: tuple[tuple[float, ...], ...]
    beta: tuple[tuple[float, ...], ...]
    document: dict[str, Any]
