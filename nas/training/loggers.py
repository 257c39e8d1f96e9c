"""Callbacks that write to TensorBoard and MLflow, and the text by which the command line chooses a callback."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nas.results.measurement import Measurement
from nas.training.callbacks import Callback

EXTRA = "pip install 'segnas[loggers]'"


class TensorBoardLogger:
    """Writes event files for TensorBoard: the loss and learning rate of steps, the scores of rungs.

    A training that continues after an interruption continues the curves.

    Args:
        folder: Where TensorBoard looks: `tensorboard --logdir FOLDER`.

    Raises:
        ValueError: tensorboard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise ValueError(f"logging to TensorBoard needs tensorboard: {EXTRA}")
        self._folder = folder
        self._names: tuple[str, ...] = ()
        self._writer: Any = None

    def on_start(self, description: Mapping[str, Any]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._names = tuple(description["class_names"])
        make: Any = SummaryWriter
        self._writer = make(str(self._folder), purge_step=description["step"] + 1)
        text = json.dumps(dict(description), indent=2)
        self._writer.add_text("description", f"```\n{text}\n```", description["step"])

    def on_step(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(f"training/{name}", value, step)

    def on_measurement(self, measurement: Measurement) -> None:
        for name, value in scalars(measurement, self._names):
            self._writer.add_scalar(name, value, measurement.iteration)
        self._writer.flush()

    def on_end(self, result: Mapping[str, Any]) -> None:  # noqa: ARG002  the protocol's
        self._writer.close()


class MLflowLogger:
    """Logs a run in the experiment `segnas` of an MLflow server or database.

    A training that continues after an interruption continues its run.

    Args:
        uri: Of the tracking server or database, such as `http://localhost:5000` or `sqlite:///mlflow.db`.

    Raises:
        ValueError: MLflow is not installed.
    """

    EXPERIMENT = "segnas"

    def __init__(self, uri: str) -> None:
        if importlib.util.find_spec("mlflow") is None:
            raise ValueError(f"logging to MLflow needs mlflow-skinny: {EXTRA}")
        self._uri = uri
        self._names: tuple[str, ...] = ()
        self._client: Any = None
        self._run = ""

    def on_start(self, description: Mapping[str, Any]) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # its own 7 hold up the training for minutes
        from mlflow import MlflowClient

        self._names = tuple(description["class_names"])
        self._client = MlflowClient(tracking_uri=self._uri)
        found = self._client.get_experiment_by_name(self.EXPERIMENT)
        experiment = found.experiment_id if found else self._client.create_experiment(self.EXPERIMENT)
        key = description["key"]
        before = self._client.search_runs([experiment], f"tags.key = '{key}'") if description["step"] else []
        if before:
            self._run = before[0].info.run_id
            self._client.update_run(self._run, status="RUNNING")
            return
        self._run = self._client.create_run(experiment, tags={"key": key}).info.run_id
        for name, value in _flat({k: v for k, v in description.items() if k not in ("key", "step")}):
            self._client.log_param(self._run, name, value)

    def on_step(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._client.log_metric(self._run, f"training/{name}", value, step=step)

    def on_measurement(self, measurement: Measurement) -> None:
        for name, value in scalars(measurement, self._names):
            self._client.log_metric(self._run, name, value, step=measurement.iteration)

    def on_end(self, result: Mapping[str, Any]) -> None:
        status = {"finished": "FINISHED", "failed": "FAILED"}.get(result["status"], "KILLED")
        self._client.set_terminated(self._run, status=status)


def scalars(measurement: Measurement, class_names: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a measurement by name; classes without an IoU are left out."""
    yield "validation/miou", measurement.score
    yield "validation/loss", measurement.val_loss
    for name, iou in zip(class_names, measurement.class_iou, strict=True):
        if iou is not None:
            yield f"validation/iou/{name}", iou


def open_logger(text: str) -> Callback:
    """Make the callback that a text names.

    Args:
        text: `tensorboard:DIR`, `mlflow:URI`, or `module:Class` for a callback of the user's, made without arguments.

    Raises:
        ValueError: The text names no callback, or its package is not installed.
    """
    kind, colon, place = text.partition(":")
    if not colon or not kind or not place:
        raise ValueError(f"a logger is tensorboard:DIR, mlflow:URI or module:Class, not {text!r}")
    if kind == "tensorboard":
        return TensorBoardLogger(Path(place))
    if kind == "mlflow":
        return MLflowLogger(place)
    try:
        made = getattr(importlib.import_module(kind), place)()
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"the logger {text!r} cannot be made: {reason}") from error
    if not isinstance(made, Callback):
        raise ValueError(f"the logger {text!r} lacks one of on_start, on_step, on_measurement and on_end")
    return made


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
