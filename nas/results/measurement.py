"""One rung's result, and the two ways a trial can end badly."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from search_spaces.base import StrictModel


class Measurement(StrictModel):
    """What was measured at one rung. `score` is the validation mIoU in [0, 1], over classes that occur.

    `class_iou[c]` is None where class c neither occurs nor is predicted. `seconds` counts training and validation
    since the trial began, over all its processes; `device_seconds` is the same times the devices held.
    `parameters` and `multiply_adds` are the trainable parameters and multiply-adds (one forward pass for one crop) of
    what was trained; None in records older than these.
    """

    iteration: Annotated[int, Field(ge=1)]
    score: Annotated[float, Field(ge=0, le=1)]
    class_iou: tuple[Annotated[float, Field(ge=0, le=1)] | None, ...]
    train_loss: float
    val_loss: float
    seconds: Annotated[float, Field(ge=0)]
    device_seconds: Annotated[float, Field(ge=0)]
    parameters: Annotated[int, Field(ge=0)] | None = None
    multiply_adds: Annotated[int, Field(ge=0)] | None = None


class TrialError(Exception):
    """The architecture cannot be measured (NaN loss, out of memory, crop too small): the trial ends, the search
    goes on. The message is one sentence for the user. Never retried, unlike a process that died.
    """
