"""The measurement of a trial at one rung, and the error of a trial that cannot be measured."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from search_spaces.base import StrictModel
from search_spaces.environment import Environment
from search_spaces.latency import Latency


class Measurement(StrictModel):
    """The result of one trial at one rung.

    Attributes:
        iteration: Training iterations so far: the rung.
        score: Validation mIoU in [0, 1], over the classes that occur.
        class_iou: IoU in [0, 1] of each class; None for a class that neither occurs nor is predicted.
        train_loss: Mean loss of the training steps since the rung before.
        val_loss: Mean loss over the validation images.
        seconds: Training and validation since the trial began, over all processes that it had.
        device_seconds: `seconds` times the devices held.
        parameters: Trainable parameters of the trained modules; None in records from before this field.
        multiply_adds: Multiply-adds of one forward pass of the trained modules for one crop; None likewise.
        latency: Of the trained modules; None where it was not asked for.
        environment: Machine, software and data that were measured with; None where these are not known, or changed
            between two parts of the training.
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
    latency: Latency | None = Field(None, exclude_if=lambda latency: latency is None)
    environment: Environment | None = None


class TrialError(Exception):
    """The architecture cannot be measured: NaN loss, out of memory, crop too small.

    The trial fails without another attempt, unlike one whose process died, and the search continues. The message is
    one sentence for the user.
    """
