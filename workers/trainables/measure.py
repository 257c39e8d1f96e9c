"""The measurement of a trial in one process, alone or as one of a group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from nas.cache.sealed import ChangedMeanwhileError
from nas.results.measurement import Measurement
from nas.results.predictions import Predictions
from workers.trainables.message import Measured
from workers.trainables.node import node_name
from workers.trainables.process import ProcessDiedError, share_of, threads_of
from workers.trainables.task import TrialTask

if TYPE_CHECKING:
    import torch


LOOK_AGAIN = 60.0
"""Seconds for which a warm process trusts that the files of its data set are as they were: see `nas.data.opened`."""


class PredictionSlot:
    """Holds the predictions of a rung from the moment they are made until its measurement is sent."""

    def __init__(self) -> None:
        self._predictions: Predictions | None = None

    def put(self, predictions: Predictions) -> None:
        """Take the predictions of the rung that is measured next."""
        self._predictions = predictions

    def take(self) -> Predictions | None:
        """Give the predictions away, if there are any."""
        predictions, self._predictions = self._predictions, None
        return predictions


def evaluate_task(
    task: TrialTask, device: str | torch.device | None, slot: PredictionSlot | None = None
) -> Iterator[Measurement]:
    """Evaluate the task's architecture with one process's share of the trial's resources.

    Args:
        task: The trial.
        device: Where to train; None takes the GPU.
        slot: Receives the predictions of each rung; None keeps none.

    Returns:
        A measurement for each rung.

    Raises:
        TrialError: The architecture cannot be measured.
        ProcessDiedError: The features were damaged while they were read.
    """
    from nas.training.evaluate import evaluate  # torch: only in the process that trains

    share = share_of(task.resources)
    try:
        yield from evaluate(
            task.architecture,
            task.fidelity,
            task.seed,
            workspace=replace(task.workspace, look_again=LOOK_AGAIN),
            device=device,
            checkpoint=task.checkpoint,
            threads=threads_of(task.resources),
            devices=share.get("GPU", 1.0),
            goals=task.goals,
            on_predictions=None if slot is None else slot.put,
        )
    except ChangedMeanwhileError as error:  # the next attempt finds that the bank is broken, and makes it anew
        raise ProcessDiedError(str(error)) from error


def measured(task: TrialTask, measurement: Measurement, slot: PredictionSlot) -> Measured[Measurement]:
    """Make the message of a measurement, which is the last one at the fidelity's last rung."""
    last = measurement.iteration == task.fidelity.iterations
    predictions = slot.take()
    return Measured(attempt=task.attempt, node=node_name(), result=measurement, last=last, predictions=predictions)
