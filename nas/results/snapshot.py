"""What a differentiable search shows after an epoch: the network it would give now, and how sure it is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.base import StrictModel

Chance = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0, le=1 + 1e-6)]
Remedy = Literal["skips", "hessian"]


class Snapshot(StrictModel):
    """The state after `epoch` epochs (counted from 1) and `step` steps, decoded.

    `alpha[edge][operator]` and `beta[node][way on]` are probabilities: edges block after block, nodes by layer and
    level as `Trellis.groups`. Entropies are relative to uniform: 1 undecided, 0 decided. `supernet_miou` is the
    validation score of the supernet itself. Losses are means over the epoch; `architecture_loss` (on half B) is
    None before alpha and beta move. `device_seconds` counts from the start of the run over all its processes.
    `finished`: no epoch follows; `stopped_by` names the remedy that ended the run early.
    """

    epoch: Annotated[int, Field(ge=1)]
    step: Annotated[int, Field(ge=1)]
    architecture: AutoDeepLab
    path: tuple[int, ...]
    alpha: tuple[tuple[Chance, ...], ...]
    beta: tuple[tuple[Chance, ...], ...]
    alpha_entropy: Share
    beta_entropy: Share
    supernet_miou: Annotated[float, Field(ge=0, le=1)]
    train_loss: float
    architecture_loss: float | None
    hessian_eigenvalue: float | None = None
    device_seconds: Annotated[float, Field(ge=0)]
    finished: bool
    stopped_by: Remedy | None = None
