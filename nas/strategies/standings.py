"""Where the trials told to a strategy stand, by the order that leaderboards have."""

from __future__ import annotations

from nas.results.standing import Standing, standing
from nas.strategies.base import Observation


class Standings:
    """Keeps what the standing of a trial depends on beside the trial: the lowest judged score at each rung."""

    def __init__(self) -> None:
        self._least_judged: dict[int, float] = {}

    def note(self, observation: Observation) -> None:
        """Note a trial with a score; the order of calls does not matter."""
        assert observation.iteration is not None
        assert observation.score is not None
        if observation.unjudged is None:
            rung, score = observation.iteration, observation.score
            self._least_judged[rung] = min(score, self._least_judged.get(rung, score))

    def of(self, observation: Observation) -> Standing:
        """Make the sort key of a trial with a score among those noted so far; see `nas.results.standing`."""
        assert observation.iteration is not None
        assert observation.score is not None
        least = self._least_judged.get(observation.iteration)
        return standing(observation.iteration, observation.score, observation.unjudged, least)
