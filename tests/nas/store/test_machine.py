"""The life of a search's trials against a model that fits in a dictionary: any sequence of events, any order."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nas.results.proposal import Proposal
from nas.results.status import SearchStatus, TrialStatus
from nas.specs import BlackBoxSpec, Fidelity
from nas.store import ConflictError, NotFoundError, SearchClosedError, SearchCost, StaleAttemptError, Store
from search_spaces.dense_cell.space import sample
from tests.builders import measured

S, T = SearchStatus, TrialStatus
FIDELITY = Fidelity(dataset="scenes")
CELLS = [sample(2, random.Random(seed)) for seed in range(2)]
NUMBERS = st.integers(0, 2)
LAGS = st.sampled_from([0, 0, 0, 1, -1])
"""How far behind the current attempt a writer is; mostly not at all, so that lives go far."""


@cache
def migrated() -> tuple[tempfile.TemporaryDirectory[str], Path]:
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "store.db"
    with Store.open(f"sqlite:///{path}") as store:
        store.migrate()
    return folder, path


@dataclass
class ModelTrial:
    cell: int
    attempt: int = 1
    status: TrialStatus = T.RUNNING
    curve: dict[int, float] = field(default_factory=dict)
    adopted: bool = False

    @property
    def score(self) -> float | None:
        return self.curve[max(self.curve)] if self.curve else None


class Lives(RuleBasedStateMachine):
    """Each rule says what the model expects: an error's class, or what changes."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "store.db"
        shutil.copy(migrated()[1], path)
        self.store = Store.open(f"sqlite:///{path}")
        self.begin_source()
        self.search = self.store.create_search(BlackBoxSpec(name="model", fidelity=FIDELITY))[0].id
        self.status, self.attempt = S.QUEUED, 0
        self.trials: dict[int, ModelTrial] = {}
        self.steps = 0
        self.begin_driver()
        for number in range(2):
            self.add(0, number, 0)

    def begin_source(self) -> None:
        """Another search: its trial 0 has measured the first cell and is completed, 1 measures the second."""
        self.source = self.store.create_search(BlackBoxSpec(name="source", fidelity=FIDELITY))[0].id
        self.store.begin_driver(self.source)
        for number, cell in enumerate(CELLS):
            self.store.add_trial(self.source, 1, Proposal(number, cell, FIDELITY, 0))
        self.store.record_measurement(self.source, 0, 1, measured(100, 0.5))
        self.store.finish_trial(self.source, 0, 1, T.COMPLETED)

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def expect(self, error: type[Exception] | None, call: Callable[[], Any]) -> Any:
        """Call; the store raises exactly this class, or nothing."""
        answer, raised = None, None
        try:
            answer = call()
        except (ConflictError, NotFoundError, ValueError) as caught:
            raised = type(caught)
        assert raised is error, f"expected {error}, got {raised or answer}"
        return answer

    def driver_error(self, attempt: int, *allowed: SearchStatus) -> type[Exception] | None:
        if self.status.at_rest or (self.status.ending and self.status not in allowed and attempt == self.attempt):
            return SearchClosedError
        return None if attempt == self.attempt and self.status in allowed else StaleAttemptError

    def is_late(self) -> bool:
        """Searches end late, so that trials have lives before."""
        return self.steps > 20

    def stop_in_flight(self) -> None:
        for trial in self.trials.values():
            if trial.status is T.RUNNING:
                trial.status = T.STOPPED

    @rule()
    def begin_driver(self) -> None:
        answer = self.expect(
            None if self.status is S.QUEUED else ConflictError, lambda: self.store.begin_driver(self.search)
        )
        if answer is not None:
            self.status, self.attempt = S.STARTING, self.attempt + 1
            assert answer == self.attempt

    @rule(lag=LAGS)
    def driver_started(self, lag: int) -> None:
        attempt = self.attempt - lag
        error = self.driver_error(attempt, S.STARTING, S.RUNNING)
        self.expect(error, lambda: self.store.driver_started(self.search, attempt))
        if error is None:
            self.status = S.RUNNING

    @rule(lag=LAGS)
    def requeue(self, lag: int) -> None:
        attempt = self.attempt - lag
        wins = attempt == self.attempt and self.status in (S.STARTING, S.RUNNING)
        assert self.store.requeue_search(self.search, attempt, 0.0, "lost") is wins
        if wins:
            self.status = S.QUEUED

    @precondition(is_late)
    @rule()
    def ask_to_stop(self) -> None:
        wins = self.status in (S.QUEUED, S.STARTING, S.RUNNING)
        assert self.store.move_search(self.search, [S.QUEUED, S.STARTING, S.RUNNING], S.STOPPING) is wins
        if wins:
            self.status = S.STOPPING

    @precondition(is_late)
    @rule(lag=LAGS, end=st.sampled_from([S.COMPLETED, S.STOPPED]))
    def finish_search(self, lag: int, end: SearchStatus) -> None:
        attempt = self.attempt - lag
        error = self.driver_error(attempt, S.STARTING, S.RUNNING, S.STOPPING, S.PAUSING)
        if self.status is end and attempt == self.attempt:
            error = None  # told twice
        self.expect(error, lambda: self.store.finish_search(self.search, attempt, end))
        if error is None and not self.status.terminal:
            self.status = end
            self.stop_in_flight()

    @rule()
    def ask_to_pause(self) -> None:
        wins = self.status in (S.STARTING, S.RUNNING)
        assert self.store.move_search(self.search, [S.STARTING, S.RUNNING], S.PAUSING) is wins
        if wins:
            self.status = S.PAUSING

    @rule(lag=LAGS)
    def finish_paused(self, lag: int) -> None:
        attempt = self.attempt - lag
        error = self.driver_error(attempt, S.PAUSING)
        if self.status is S.PAUSED and attempt == self.attempt:
            error = None  # told twice
        self.expect(error, lambda: self.store.finish_search(self.search, attempt, S.PAUSED))
        if error is None and self.status is S.PAUSING:
            self.status = S.PAUSED
            self.stop_in_flight()

    @rule(retry=st.booleans())
    def resume(self, retry: bool) -> None:
        failed = [trial for trial in self.trials.values() if trial.status is T.FAILED] if retry else []
        nothing_left = self.status is S.COMPLETED and not failed
        too_late = bool(failed) and self.status in (S.STARTING, S.RUNNING)
        error = ConflictError if self.status.ending or nothing_left or too_late else None
        self.expect(error, lambda: self.store.resume_search(self.search, retry_failed=retry))
        if error is None:
            self.status = S.QUEUED if self.status.at_rest else self.status
            for trial in failed:
                trial.status = T.STOPPED

    @rule(lag=LAGS, number=NUMBERS)
    def go_on(self, lag: int, number: int) -> None:
        """The search's driver begins a new attempt, also of a trial that was stopped with the search."""
        attempt, trial = self.attempt - lag, self.trials.get(number)
        error = self.driver_error(attempt, S.STARTING, S.RUNNING)
        if error is None and trial is None:
            error = NotFoundError
        elif error is None and trial is not None and trial.status not in (T.RUNNING, T.STOPPED):
            error = StaleAttemptError
        answer = self.expect(error, lambda: self.store.begin_attempt(self.search, number, attempt))
        if error is None and trial is not None:
            trial.attempt, trial.status = trial.attempt + 1, T.RUNNING
            assert answer == trial.attempt

    @rule(lag=LAGS, number=NUMBERS, cell=st.integers(0, 1))
    def add(self, lag: int, number: int, cell: int) -> None:
        attempt = self.attempt - lag
        error = self.driver_error(attempt, S.STARTING, S.RUNNING)
        if error is None and number in self.trials and self.trials[number].cell != cell:
            error = ConflictError
        self.expect(
            error, lambda: self.store.add_trial(self.search, attempt, Proposal(number, CELLS[cell], FIDELITY, 0))
        )
        if error is None:
            self.trials.setdefault(number, ModelTrial(cell))

    @rule(lag=LAGS, number=st.integers(0, 4), cell=st.integers(0, 1), source=st.sampled_from([0, 0, 0, 1, 2]))
    def adopt(self, lag: int, number: int, cell: int, source: int) -> None:
        attempt = self.attempt - lag
        error = self.driver_error(attempt, S.STARTING, S.RUNNING)
        if error is None and source == 2:
            error = NotFoundError
        elif error is None and (source == 1 or cell != 0 or (number in self.trials and self.trials[number].cell != 0)):
            error = ConflictError
        self.expect(
            error,
            lambda: self.store.adopt_trial(
                self.search, attempt, Proposal(number, CELLS[cell], FIDELITY, 0), self.source, source
            ),
        )
        if error is None:
            self.trials.setdefault(number, ModelTrial(0, status=T.COMPLETED, curve={100: 0.5}, adopted=True))

    @rule(number=NUMBERS)
    def begin_attempt(self, number: int) -> None:
        trial = self.trials.get(number)
        error = NotFoundError if trial is None else (StaleAttemptError if trial.status.terminal else None)
        answer = self.expect(error, lambda: self.store.begin_attempt(self.search, number))
        if trial is not None and error is None:
            trial.attempt += 1
            assert answer == trial.attempt

    @rule(number=NUMBERS, lag=LAGS, iteration=st.sampled_from([100, 300, 900]), score=st.floats(0, 1))
    def measure(self, number: int, lag: int, iteration: int, score: float) -> None:
        trial = self.trials.get(number)
        attempt = (trial.attempt if trial else 1) - lag
        error: type[Exception] | None = None
        if trial is None:
            error = NotFoundError
        elif attempt != trial.attempt or (trial.status.terminal and iteration not in trial.curve):
            error = StaleAttemptError
        point = measured(iteration, score)
        self.expect(error, lambda: self.store.record_measurement(self.search, number, attempt, point))
        if trial is not None and error is None:
            trial.curve.setdefault(iteration, score)

    @rule(number=NUMBERS, lag=LAGS, end=st.sampled_from([T.COMPLETED, T.PRUNED, T.FAILED]))
    def finish(self, number: int, lag: int, end: TrialStatus) -> None:
        trial = self.trials.get(number)
        attempt = (trial.attempt if trial else 1) - lag
        error: type[Exception] | None = None
        if trial is None:
            error = NotFoundError
        elif attempt != trial.attempt or (trial.status.terminal and trial.status is not end):
            error = StaleAttemptError
        elif not trial.curve and end is not T.FAILED and not trial.status.terminal:
            error = ValueError
        self.expect(error, lambda: self.store.finish_trial(self.search, number, attempt, end))
        if trial is not None and error is None:
            trial.status = end

    @invariant()
    def the_record_is_the_model(self) -> None:
        self.steps += 1
        search = self.store.get_search(self.search)
        assert (search.status, search.attempt) == (self.status, self.attempt)
        assert (search.finished_at is not None) == self.status.terminal
        recorded = {trial.number: trial for trial in self.store.all_trials(self.search)}
        assert recorded.keys() == self.trials.keys()
        assert self.store.odd_totals() == []
        curves = self.store.measurements(self.search)
        for number, model in self.trials.items():
            trial = recorded[number]
            assert (trial.status, trial.attempt, trial.score) == (model.status, model.attempt, model.score)
            assert trial.architecture_key == CELLS[model.cell].key
            assert trial.source == (f"{self.source}/0" if model.adopted else None)
            assert {point.iteration: point.score for point in curves.get(number, [])} == model.curve
        ran = sum(bool(model.curve) for model in self.trials.values() if not model.adopted)
        adopted = sum(model.adopted for model in self.trials.values())
        assert self.store.overview(self.search).cost == SearchCost(float(ran), ran, adopted)
        best = self.store.best_trial(self.search)
        scored = [(max(t.curve), t.score, -n) for n, t in self.trials.items() if t.curve and t.status is not T.FAILED]
        assert (best and best.number) == (-max(scored)[2] if scored else None)


TestLives = pytest.mark.slow(Lives.TestCase)
TestLives.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
