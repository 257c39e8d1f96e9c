"""A training loop measured at each rung, resumed from a checkpoint after interruptions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nas.models.complexity import Complexity
from nas.results.measurement import Measurement
from nas.training.loop.checkpoint import load_checkpoint, save_checkpoint
from nas.training.loop.device import synchronize
from nas.training.loop.failures import trial_failures
from nas.training.loop.loop import CHECK_EVERY, Loop
from nas.training.loop.predictions import PredictionKeeper
from search_spaces.environment import Environment
from search_spaces.latency import Latency

CLOCK_READINGS = 5
"""How often the clock is read between two checkpoints within a rung."""


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint file of a run.

    Attributes:
        key: A file with another key is not read.
        every_seconds: Time between checkpoints within a rung; `None` saves at rungs only.
    """

    path: Path
    key: str
    every_seconds: float | None = None


@dataclass
class RungRun:
    """Trains a loop to each rung in turn and measures the model there.

    Where several processes train the model (`Loop.peers`) each has a `RungRun`: that of the first process yields the
    measurements and saves the state, the others yield nothing.

    Attributes:
        devices: How many devices, or what part of one, all processes hold together.
        on_step: Called with the number of steps done, at least every `CHECK_EVERY` steps.
        complexity: Part of every new measurement. A measurement without it in a checkpoint, by an older version, stays
            without.
        latency: Part of every new measurement; None where it is not asked for.
        keeper: Keeps predictions of some validation images at each rung.
        predicted: The deepest rung measured, the key of the examples, and the classes predicted on them, uint8
            `(images, height, width)`; None where they were not kept. The checkpoint holds them too, so that they come
            with the measurements in it.
        environment: Part of every new measurement, unless the checkpoint that the training resumes from was saved in
            another one: the numbers are then of neither.
    """

    loop: Loop
    rungs: tuple[int, ...]
    num_classes: int
    device: torch.device
    devices: float = 1.0
    checkpoint: Checkpoint | None = None
    on_step: Callable[[int], None] | None = None
    complexity: Complexity | None = None
    latency: Latency | None = None
    environment: Environment | None = None
    keeper: PredictionKeeper | None = None
    predicted: tuple[int, str, Tensor] | None = field(default=None, init=False)
    _seconds: float = field(default=0.0, init=False)
    _resumed: bool = field(default=False, init=False)
    _measured: list[Measurement] = field(default_factory=list, init=False)

    def measurements(self) -> Iterator[Measurement]:
        """Yield one measurement per rung: first those in the checkpoint, unchanged, then new ones.

        The state is saved before a measurement is yielded.

        Raises:
            TrialError: A loss is not finite, memory is exhausted, or the crop is too small for the model.
            ChangedMeanwhileError: The features were changed while they were read; the checkpoint is of before.
        """
        self.resume()
        leads = self.loop.peers is None or self.loop.peers.leads
        if leads:
            yield from list(self._measured)
        for rung in self.rungs[len(self._measured) :]:
            self._train_to(rung)
            measurement = self._measure(rung)
            if leads:
                yield measurement

    def _train_to(self, rung: int) -> None:
        every = None if self.checkpoint is None else self.checkpoint.every_seconds
        steps, unsaved = (rung if every is None else 1), 0.0
        while self.loop.step < rung:
            before, started = self.loop.step, time.perf_counter()
            stop = rung if self.on_step is None else min(rung, (before // CHECK_EVERY + 1) * CHECK_EVERY)
            with trial_failures("training"):
                self.loop.train(min(stop, before + steps))
                synchronize(self.device)
            took = time.perf_counter() - started
            self._seconds += took
            unsaved += took
            if every is not None:
                steps = max(1, int((self.loop.step - before) * every / CLOCK_READINGS / max(took, 1e-3)))
                steps, due = self._agreed(steps, unsaved >= every)
                if due and self.loop.step < rung:
                    self.loop.batches.check()
                    self._save()
                    unsaved = 0.0
            if self.on_step is not None:
                self.on_step(self.loop.step)

    def _agreed(self, steps: int, due: bool) -> tuple[int, bool]:
        """What the first process's clock says: processes that train together save together."""
        peers = self.loop.peers
        agreed: tuple[int, bool] = (steps, due) if peers is None else peers.broadcast((steps, due))
        return agreed

    def _measure(self, rung: int) -> Measurement:
        started = time.perf_counter()
        with trial_failures("validating"):
            validation = self.loop.validate(self.num_classes, self.keeper)
            maps = None if self.keeper is None else self.keeper.maps()
            self.predicted = None if maps is None or self.keeper is None else (rung, self.keeper.key, maps)
        self.loop.batches.check()
        self._seconds += time.perf_counter() - started
        measurement = Measurement(
            iteration=rung,
            score=validation.scores.miou,
            class_iou=validation.scores.class_iou,
            train_loss=self.loop.pop_train_loss(),
            val_loss=validation.loss,
            seconds=self._seconds,
            device_seconds=self._seconds * self.devices,
            parameters=None if self.complexity is None else self.complexity.parameters,
            multiply_adds=None if self.complexity is None else self.complexity.multiply_adds,
            latency=self.latency,
            environment=self.environment,
        )
        self._measured.append(measurement)
        self._save()
        return measurement

    def _save(self) -> None:
        if self.checkpoint is not None:
            state: dict[str, Any] = {
                "loop": self.loop.state(),
                "seconds": self._seconds,
                "environment": None if self.environment is None else self.environment.key,
                "measured": [measurement.model_dump(mode="json") for measurement in self._measured],
            }
            if self.predicted is not None:
                state["predicted"] = self.predicted
            if self.loop.peers is None or self.loop.peers.leads:
                save_checkpoint(self.checkpoint.path, self.checkpoint.key, state)

    def resume(self) -> None:
        """Load the checkpoint, where there is one of this run; `measurements` begins with it too."""
        if self._resumed:
            return
        self._resumed = True
        peers = self.loop.peers
        state: dict[str, Any] | None = None
        if self.checkpoint is not None and (peers is None or peers.leads):
            state = load_checkpoint(self.checkpoint.path, self.checkpoint.key)
        if peers is not None:
            state = peers.broadcast(state)  # the other processes may be on nodes that cannot read the file
        if state is not None:
            self.loop.load(state["loop"])
            self._seconds = state["seconds"]
            if self.environment is not None and state["environment"] != self.environment.key:
                self.environment = None
            self._measured = [Measurement.model_validate(measurement) for measurement in state["measured"]]
            self.predicted = state.get("predicted")
