"""How long the epochs of a differentiable search take, with and without training of alpha and beta."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nas.specs import AutoDeepLabSpec, Resources
from nas.store import EpochEnd
from search_spaces.base import content_key

_WITHOUT_COST = ("epochs", "architecture_from_epoch", "weights", "architecture", "class_weighting")
"""Fields of `bilevel` that do not influence the cost of an epoch."""


def share_of(resources: Resources) -> dict[str, Any]:
    """The resources of one trial or run, without the number of trials beside it, as JSON values."""
    return resources.model_dump(mode="json", exclude={"concurrent", "reuse_workers"})


def epoch_key(spec: AutoDeepLabSpec) -> str:
    """Content hash of all that decides the cost of an epoch: supernet, bilevel optimisation, Hessian, resources."""
    bilevel: dict[str, Any] = spec.bilevel.model_dump(mode="json", exclude=set(_WITHOUT_COST))
    hessian = None if spec.stop.hessian is None else spec.stop.hessian.iterations
    return content_key([spec.supernet.model_dump(mode="json"), bilevel, hessian, share_of(spec.resources)])


@dataclass(frozen=True)
class EpochTime:
    """Device-seconds of one epoch of a run, validation included; `moving`: alpha and beta were trained too."""

    moving: bool
    device_seconds: float


def epoch_times(spec: AutoDeepLabSpec, epochs: Sequence[EpochEnd]) -> Iterator[EpochTime]:
    """The time of every recorded epoch whose preceding epoch was recorded too.

    Args:
        spec: The search's spec.
        epochs: Of the search, in order of run and epoch.
    """
    ends: dict[tuple[int, int], float] = {(recorded.run, 0): 0.0 for recorded in epochs}
    for run, epoch, end in epochs:
        ends[run, epoch] = end
        if (run, epoch - 1) in ends:
            moving = epoch > spec.bilevel.architecture_from_epoch
            yield EpochTime(moving, end - ends[run, epoch - 1])
