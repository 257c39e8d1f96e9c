"""Bayesian optimisation with a Gaussian process over the space's choices, by Optuna's sampler. Optuna imports torch."""

from __future__ import annotations

import bisect
import random
from collections.abc import Iterator

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import GPSampler
from optuna.trial import FrozenTrial, TrialState, create_trial
from scipy.special import ndtri

from nas.specs import GpStrategy
from nas.strategies.base import MUTATION_TRIES, Observation, SpaceStrategy
from nas.strategies.optuna_logs import without_logs
from nas.strategies.spaces import A, Space
from nas.strategies.standings import Standings
from search_spaces.document import canonical


class GpSearch(SpaceStrategy[A]):
    """Gaussian process with one categorical parameter for each choice of the space.

    The process is fitted to ranks: the trial of rank k among n, in the order of `nas.results.standing`, has the value
    at which a normal distribution reaches (k - 1/2) / n. So trials that early stopping ended count as well, behind all
    that got further, and no score is compared with one at another rung. Trials in flight are taken into account
    (expected improvement of a batch). Failed trials teach nothing. Until `startup` trials have a score, proposals are
    uniform. Where the best proposal is known or beyond the limit, a mutation of it is proposed.

    Every proposal fits a new process to the entire record, since what a sampler carries from proposal to proposal is
    not recorded. Its time grows with the cube of the number of trials.

    Source:
        Optuna's GPSampler: Matern 5/2 kernel, log expected improvement (Ament et al., NeurIPS 2023). Normal quantiles
        of ranks: Salinas et al., "A Quantile-based Approach for Hyperparameter Transfer Learning", ICML 2020.
    """

    def __init__(self, space: Space[A], seed: int, strategy: GpStrategy) -> None:
        super().__init__(space, seed)
        self._strategy = strategy
        self._standings = Standings()
        self._scored: dict[int, Observation] = {}
        self._distributions: dict[str, BaseDistribution] = {
            name: CategoricalDistribution(values) for name, values in space.choices.items()
        }

    def _propose(self, number: int, rng: random.Random) -> A | None:  # noqa: ARG002  `rng` depends on it
        if len(self._scored) < self._strategy.startup:
            return None
        sampler = GPSampler(seed=rng.randrange(2**32), n_startup_trials=0, deterministic_objective=False)
        with without_logs():
            study = optuna.create_study(direction="maximize", sampler=sampler)
            study.add_trials(list(self._trials()))
            best = self._space.decode(study.ask(self._distributions).params)
        if self._is_new(best):
            return best
        mutants = (self._space.mutate(best, rng) for _ in range(MUTATION_TRIES))
        return next((mutant for mutant in mutants if mutant is not None and self._is_new(mutant)), None)

    def _learn(self, observation: Observation) -> None:
        if observation.scored:
            self._standings.note(observation)
            self._scored[observation.number] = observation

    def _trials(self) -> Iterator[FrozenTrial]:
        """The trials that have a score, and those in flight, as Optuna has them, in the order of their numbers."""
        standings = {number: self._standings.of(seen) for number, seen in self._scored.items()}
        order = sorted(standings.values())
        for number in sorted(self._proposed):
            if number not in self._scored and number in self._ended:
                continue
            params = dict(self._space.encode(self._space.own(canonical(self._proposed[number]))))
            if number not in self._scored:
                yield create_trial(state=TrialState.RUNNING, params=params, distributions=self._distributions)
                continue
            at = standings[number]
            rank = (bisect.bisect_left(order, at) + bisect.bisect_right(order, at)) / 2  # of equal ones the mean
            value = float(ndtri(rank / len(order)))
            yield create_trial(value=value, params=params, distributions=self._distributions)
