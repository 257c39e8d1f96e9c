"""How long a running search will still take, from the times of its own trials and from its forecast."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from nas.results.status import TrialStatus

if TYPE_CHECKING:
    from nas.schemas.searches import SearchPublic
    from nas.schemas.trials import TrialPublic


class Remaining:
    """Learns the times of a search's trials as they end, and estimates the time that is left.

    The mean time of a trial at a fidelity is that of the trials that have ended there. The forecast counts as much as
    the trials that run at a time, so that the first trials, which may be the quick ones, do not decide alone.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, dict[int, float]] = defaultdict(dict)
        self._ended: dict[str, set[int]] = defaultdict(set)
        self._running: dict[str, set[int]] = defaultdict(set)

    def trial(self, trial: TrialPublic) -> None:
        """Take note of a trial in its present state."""
        self._running[trial.fidelity_key].discard(trial.number)
        if trial.status is TrialStatus.RUNNING:
            self._running[trial.fidelity_key].add(trial.number)
        elif trial.status.terminal:
            self._ended[trial.fidelity_key].add(trial.number)
            # An adopted trial took no time, and what failed or was stopped says little about the others.
            if trial.source is None and trial.seconds is not None and trial.score is not None:
                self._seconds[trial.fidelity_key][trial.number] = trial.seconds

    def seconds(self, search: SearchPublic) -> float | None:
        """Estimate the seconds until the last trial ends; None where nothing is known of the trials that are left.

        Args:
            search: The search in its present state.
        """
        fidelities = search.spec.fidelities
        parts = () if search.forecast is None else search.forecast.parts
        counts = {part.path: part.trials for part in parts}
        if len(fidelities) == 1:  # the search may have been extended since it was forecast
            counts = dict.fromkeys(fidelities, search.planned)
        if counts.keys() != fidelities.keys():
            return None
        forecast = {part.path: part.seconds / part.trials for part in parts if part.seconds is not None and part.trials}
        concurrent = search.spec.resources.concurrent
        work = [
            self._work(fidelity.key, counts[path], forecast.get(path), concurrent)
            for path, fidelity in fidelities.items()
        ]
        known = [seconds for seconds in work if seconds is not None]
        return math.fsum(known) / concurrent if len(known) == len(work) else None

    def _work(self, key: str, planned: int, expected: float | None, weight: int) -> float | None:
        """Seconds of all trials at a fidelity that are left, one after the other."""
        left = planned - len(self._ended[key])
        if left <= 0:
            return 0.0
        times = list(self._seconds[key].values())
        if not times and expected is None:
            return None
        weights = 0 if expected is None else weight
        mean = (math.fsum(times) + weights * (expected or 0.0)) / (len(times) + weights)
        half_done = min(len(self._running[key]), left) / 2  # a running trial is half way, on average
        return mean * (left - half_done)
