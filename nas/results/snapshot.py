"""Snapshots of a differentiable search: the network that it decodes to after an epoch, and how decided it is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.base import StrictModel

_Probability = Annotated[float, Field(ge=0, le=1)]
_RelativeEntropy = Annotated[float, Field(ge=0, le=1 + 1e-6)]
Remedy = Literal["skips", "hessian"]


class Snapshot(StrictModel):
    """The state of a differentiable run after an epoch, decoded to a network.

    Attributes:
        epoch: Epochs so far; 1 after the first.
        step: Optimisation steps so far.
        architecture: The decoded network.
        path: Level of each layer of the decoded network.
        alpha: Probabilities `alpha[edge][operator]`, edges block after block.
        beta: Probabilities `beta[node][outgoing edge]`, nodes by layer and level as in `Trellis.groups`.
        alpha_entropy: Mean entropy of alpha, relative to uniform: 1 undecided, 0 decided.
        beta_entropy: Mean entropy of beta, relative to uniform.
        supernet_miou: Validation mIoU of the supernet itself.
        train_loss: Mean over the epoch of the loss that moved the weights.
        architecture_loss: Mean over the epoch of the loss that moved alpha and beta; None while these do not move.
        hessian_eigenvalue: Dominant eigenvalue of the Hessian of the architecture loss in alpha, where it is computed.
        device_seconds: Since the run began, over all processes that it had.
        finished: Whether no epoch follows.
        stopped_by: The remedy against collapse that ended the run early.
    """

    epoch: Annotated[int, Field(ge=1)]
    step: Annotated[int, Field(ge=1)]
    architecture: AutoDeepLab
    path: tuple[int, ...]
    alpha: tuple[tuple[_Probability, ...], ...]
    beta: tuple[tuple[_Probability, ...], ...]
    alpha_entropy: _RelativeEntropy
    beta_entropy: _RelativeEntropy
    supernet_miou: Annotated[float, Field(ge=0, le=1)]
    train_loss: float
    architecture_loss: float | None
    hessian_eigenvalue: float | None = None
    device_seconds: Annotated[float, Field(ge=0)]
    finished: bool
    stopped_by: Remedy | None = None
