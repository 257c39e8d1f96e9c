"""The ledger in Tune's terms: where trials come from, which go on, what is written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import SearchAlgorithm

from nas.measurement import Measurement
from workers.ledger import Flight, Ledger


class Proposals(SearchAlgorithm):  # type: ignore[misc]  # Ray has no types
    """Gives Tune the ledger's trials, at most `concurrent` at a time."""

    def __init__(self, ledger: Ledger, make_trial: Callable[[Flight], Trial], concurrent: int) -> None:
        self._ledger = ledger
        self._make_trial = make_trial
        self._concurrent = concurrent
        self._live: set[str] = set()

    def next_trial(self) -> Trial | None:
        """The next trial, or None while enough of them run, or when none is left."""
        if len(self._live) >= self._concurrent or self.is_finished():
            return None
        flight = self._ledger.launch()
        if flight is None:
            return None
        trial = self._make_trial(flight)
        self._live.add(trial.trial_id)
        return trial

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:  # noqa: ARG002  Tune passes them
        """A trial ended, in whatever way."""
        self._live.discard(trial_id)

    def is_finished(self) -> bool:
        """Whether no trial is left to give."""
        return self._ledger.finished_asking


class EarlyStopping(FIFOScheduler):  # type: ignore[misc]  # Ray has no types
    """Stops a trial at a rung where the ledger says so. Ray's own ASHA knows no explicit rungs and no replay."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:  # noqa: ARG002  Tune passes it
        """Called at every rung but the last, where there is nothing left to stop."""
        go_on = self._ledger.goes_on(trial.config["task"].number, _measurement(result))
        return str(TrialScheduler.CONTINUE if go_on else TrialScheduler.STOP)

    def choose_trial_to_run(self, tune_controller: Any) -> None:  # noqa: ARG002  Tune passes it
        """Nothing to add: Tune starts waiting trials in their order. The parent's search for one takes O(trials)."""
        return


class Recorder(Callback):  # type: ignore[misc]  # Ray has no types
    """Writes every event to the ledger. `reason_of` says why a trial failed that Tune gave up."""

    def __init__(self, ledger: Ledger, reason_of: Callable[[Trial], str]) -> None:
        self._ledger = ledger
        self._reason_of = reason_of

    def on_trial_result(self, *, trial: Trial, result: dict[str, Any], **_: Any) -> None:
        """A rung was reached, or the architecture cannot be measured."""
        if "measurement" in result:
            self._ledger.record(trial.config["task"].number, result["attempt"], _measurement(result))

    def on_trial_recover(self, *, trial: Trial, **_: Any) -> None:
        """The process died; Tune has put the trial back into its queue."""
        task = trial.config["task"]
        trial.set_config({"task": replace(task, attempt=self._ledger.relaunch(task.number).attempt)})

    def on_trial_complete(self, *, trial: Trial, **_: Any) -> None:
        """The trial ended by itself or by early stopping."""
        self._ledger.end(trial.config["task"].number, trial.last_result.get("failed"))

    def on_trial_error(self, *, trial: Trial, **_: Any) -> None:
        """Tune has given the trial up."""
        self._ledger.end(trial.config["task"].number, self._reason_of(trial))


def _measurement(result: dict[str, Any]) -> Measurement:
    return Measurement.model_validate_json(result["measurement"])
