"""Reinforcement learning: an LSTM controller proposes architectures and is rewarded by how the trials stand."""

from __future__ import annotations

import bisect
import random
from typing import Any

from nas.results.standing import Standing, standing
from nas.specs import ReinforceStrategy
from nas.strategies.base import Observation, SpaceStrategy
from nas.strategies.controller import Choice, Controller
from nas.strategies.spaces import A, Space

REINFORCE_TRIES = 20
"""Architectures of the controller that may be known, or beyond the limit, before a uniform draw is made instead."""

WINDOW = 100
"""Number of earlier trials among which a trial is ranked for its reward."""

SPACING = 8
"""Number of steps from one kept state of the controller to the next."""


class ReinforceSearch(SpaceStrategy[A]):
    """REINFORCE: a controller makes the choices of an architecture in turn, and learns from the trials in their order.

    The reward is the share of the 100 trials before (by number) that stand below a trial by `nas.results.standing`,
    equal ones half: scores of different rungs do not compare, and the share is as good a scale on every data set. A
    trial that passed a rung unjudged counts at that rung. The paper's reward is the cube of an accuracy that all have
    at one budget.

    The controller is a function of the record: it takes one step for each trial with a score, in the order of numbers,
    with the architecture as recorded. Where a trial ends after younger ones, the controller goes back to a state before
    it and repeats what follows. Trials that others proposed (uniform draws where the controller repeats itself,
    `start`, `warm_start`) teach like its own; strictly, REINFORCE needs its own. So it is with steps of a network's
    path over the border of the trellis, which are recorded as no steps.

    On recorded heads it did not beat random search: 1.63 (1.30 to 2.10) and 0.86 (0.68 to 1.12) of its trials to the
    best 1 % on two data sets (docs/lab/strategies.md). The paper's search has 12,800 trials.

    Source:
        Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017.
    """

    def __init__(self, space: Space[A], seed: int, strategy: ReinforceStrategy) -> None:
        super().__init__(space, seed)
        choices = space.choices
        self._choices = {name: choices[name] for name in space.in_turn}
        self._controller = Controller(
            [Choice(name.split("_")[0], len(values)) for name, values in self._choices.items()], strategy, seed
        )
        self._results: list[tuple[int, Standing, A]] = []  # number, standing, architecture as told
        self._learnt = 0
        self._states: dict[int, Any] = {0: self._controller.state()}

    def _propose(self, number: int, rng: random.Random) -> A | None:  # noqa: ARG002  `rng` depends on it
        self._catch_up()
        for _ in range(REINFORCE_TRIES):
            drawn = zip(self._choices.items(), self._controller.sample(rng), strict=True)
            architecture = self._space.decode({name: values[option] for (name, values), option in drawn})
            if self._is_new(architecture):
                return architecture
        return None

    def _learn(self, observation: Observation) -> None:
        if not observation.scored:
            return
        assert observation.iteration is not None
        assert observation.score is not None
        architecture = self._space.own(observation.architecture)
        at = standing(observation.iteration, observation.score, observation.unjudged)
        place = bisect.bisect(self._results, observation.number, key=lambda result: result[0])
        self._results.insert(place, (observation.number, at, architecture))
        if place < self._learnt:
            self._states = {steps: state for steps, state in self._states.items() if steps <= place}
            self._learnt = max(self._states)
            self._controller.load(self._states[self._learnt])

    def _catch_up(self) -> None:
        """Learn from the results that the controller has not learnt from."""
        while self._learnt < len(self._results):
            values = self._space.encode(self._results[self._learnt][2])
            options = [options.index(values[name]) for name, options in self._choices.items()]
            self._controller.learn(options, self._reward(self._learnt))
            self._learnt += 1
            if self._learnt % SPACING == 0:
                self._states[self._learnt] = self._controller.state()
                # The further back, the sparser: the number of states grows with the logarithm of that of results.
                self._states = {steps: kept for steps, kept in self._states.items() if self._is_kept(steps)}

    def _is_kept(self, steps: int) -> bool:
        return steps == 0 or self._learnt - steps <= 4 * (steps & -steps)

    def _reward(self, place: int) -> float:
        own, before = self._results[place][1], self._results[max(0, place - WINDOW) : place]
        if not before:
            return 0.5
        return sum((at < own) + (at <= own) for _, at, _ in before) / (2 * len(before))
