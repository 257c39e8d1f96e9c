"""The process of a trial: Tune's side of `nas.training.evaluate`."""

from __future__ import annotations

import gc
import shutil
import sys
from collections.abc import Iterator
from typing import Any

from ray import tune
from ray.tune import PlacementGroupFactory

from nas.measurement import Measurement, TrialError
from workers.trial_task import TrialTask


class Trainable(tune.Trainable):  # type: ignore[misc]  # Ray has no types
    """One step is one rung.

    A result holds the attempt and either `measurement` (JSON) or `failed` (why the architecture cannot be measured).
    Any other exception leaves `step`: it ends the trial as failed and its process too, whose state (a CUDA context,
    for instance) may be spoilt. The checkpoint lies under (search, trial), not under Tune's names, so that a new
    process, or the process of a new driver, goes on from it.
    """

    _task: TrialTask
    _measurements: Iterator[Measurement]
    _stepped: bool

    @classmethod
    def default_resource_request(cls, config: dict[str, Any]) -> PlacementGroupFactory:
        """What a trial takes. Here rather than by `tune.with_resources`, which would hide the class's name."""
        resources = config["task"].resources
        bundle = {"CPU": resources.cpus} | ({"GPU": resources.gpus} if resources.gpus else {})
        return PlacementGroupFactory([bundle])

    def setup(self, config: dict[str, Any]) -> None:
        """A new process begins a trial."""
        self._begin(config["task"])

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """A warm process begins the next trial."""
        self._end()
        self._begin(new_config["task"])
        return True

    def step(self) -> dict[str, Any]:
        """Train to the next rung and measure."""
        task = self._task
        self._stepped = True
        try:
            measurement = next(self._measurements)
        except TrialError as error:
            return {"attempt": task.attempt, "failed": str(error), "done": True}
        last = measurement.iteration == task.fidelity.iterations
        # Text, because Tune would keep statistics of every number it finds.
        return {"attempt": task.attempt, "measurement": measurement.model_dump_json(), "done": last}

    def cleanup(self) -> None:
        """The trial is over and this process too."""
        self._end()

    def evaluate(self, task: TrialTask) -> Iterator[Measurement]:
        """The measurements of the task's architecture; a subclass may measure something else."""
        from nas.training.evaluate import evaluate  # torch: only in the process that trains

        resources = task.resources
        return evaluate(
            task.architecture,
            task.fidelity,
            task.seed,
            workspace=task.workspace,
            device=None if resources.gpus else "cpu",
            checkpoint=task.folder / "checkpoint.pt",
            threads=max(1, int(resources.cpus)),
            devices=resources.gpus or 1.0,
        )

    def __repr__(self) -> str:
        """The actor's name in the dashboard. Ray asks once: a warm process cannot be named after its trial."""
        task = self._task
        return f"{task.search_name[:60]}: worker" if task.resources.reuse_workers else task.label

    def _begin(self, task: TrialTask) -> None:
        self._task = task
        self._stepped = False
        self._measurements = self.evaluate(task)

    def _end(self) -> None:
        """Let go of the trial, after the driver has recorded its end.

        Tune also ends processes that it started for a trial and then gave to a warm one: these have not taken a step,
        and the checkpoint is not theirs to remove.
        """
        close = getattr(self._measurements, "close", None)
        if close is not None:
            close()
        self._measurements = iter(())
        _empty_device()
        if self._stepped:
            shutil.rmtree(self._task.folder, ignore_errors=True)


def _empty_device() -> None:
    """Give a GPU's memory back: a warm process would keep what its largest trial took, and others share the GPU."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        gc.collect()
        torch.cuda.empty_cache()
