"""Tree-structured Parzen estimator over the space's choices, by Optuna's sampler (Bergstra et al., NeurIPS 2011)."""

from __future__ import annotations

import random
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from nas.specs import TpeStrategy
from nas.strategies.base import Observation, SpaceStrategy
from nas.strategies.optuna_logs import without_logs
from nas.strategies.spaces import A, Space
from nas.strategies.tpe_parameters import Distributions, parameters_of
from search_spaces.document import canonical

TPE_TRIES = 10
"""Suggestions that may give seen cells, or cells beyond the limit, before a uniform draw is made instead."""


class TpeSearch(SpaceStrategy[A]):
    """Tree-structured Parzen estimator: one categorical parameter for each choice of the space.

    Optuna models all parameters jointly, or each by itself (`multivariate: false`). With `conditional: true` operators
    of cells are described by type and sizes instead, and paths of networks by the step at each node of the trellis.
    A trial that early stopping ended is told to Optuna as pruned, with the score at its last rung: Optuna ranks all
    pruned trials behind the completed trials, deeper rungs first. Trials in flight count as bad (constant liar), so
    that concurrent proposals differ, or not at all (`constant_liar: false`). Failed trials teach nothing. The first
    `startup` finished trials are uniform.

    Optuna learns every architecture in its canonical form, which is the one that the store keeps: a proposal whose
    parts Optuna drew in another order is withdrawn and entered anew. So a restored strategy knows what this one knows,
    and one architecture has one set of parameters.

    Every proposal uses a sampler of its own, seeded by (seed, number): one sampler for all proposals would carry the
    state of its random generator from proposal to proposal, and the store does not hold that state.

    On recorded heads it did not beat random search: 1.13 (0.86 to 1.49) and 0.88 (0.69 to 1.13) of its trials to the
    best 1 % on two data sets (docs/lab/strategies.md). With `conditional: true` it did on one of the two: 0.52 (0.41 to
    0.68) and 0.79 (0.61 to 1.03).

    Source:
        Bergstra et al., NeurIPS 2011.
    """

    def __init__(self, space: Space[A], seed: int, strategy: TpeStrategy) -> None:
        super().__init__(space, seed)
        self._strategy = strategy
        self._parameters = parameters_of(space, conditional=strategy.conditional)
        self._scored = 0
        self._trials: dict[int, optuna.Trial] = {}
        with without_logs():
            self._study = optuna.create_study(direction="maximize")

    def _propose(self, number: int, rng: random.Random) -> A | None:  # noqa: ARG002  `rng` depends on it
        if not self._parameters.even and self._scored < self._strategy.startup:
            return None  # Optuna's own start draws every parameter evenly, which here is no uniform draw
        for _ in range(TPE_TRIES):
            self._study.sampler = _Sampler(self._parameters.groups, rng.randrange(2**32), self._strategy)
            trial, architecture = self._parameters.ask(self._study)
            self._study.tell(trial, state=TrialState.FAIL)  # `_assign` enters what is proposed, in its canonical form
            if self._is_new(architecture):
                return architecture
        return None

    def _assign(self, number: int, architecture: A) -> None:
        super()._assign(number, architecture)
        self._study.sampler = RandomSampler(seed=0)  # every parameter is enqueued, so nothing is drawn
        written = self._space.own(canonical(architecture))
        self._study.enqueue_trial(dict(self._parameters.encode(written)))
        self._trials[number], _ = self._parameters.ask(self._study)

    def _learn(self, observation: Observation) -> None:
        trial = self._trials.pop(observation.number)
        if observation.score is None or observation.iteration is None or not observation.scored:
            self._study.tell(trial, state=TrialState.FAIL)
            return
        self._scored += 1
        if observation.status == "completed":
            self._study.tell(trial, observation.score)
        else:
            trial.report(observation.score, step=observation.iteration)
            self._study.tell(trial, state=TrialState.PRUNED)


class _Sampler(TPESampler):
    """TPE sampler with given groups of parameters, which Optuna would otherwise infer from all trials: 0.3 s at 1,000.

    Optuna's option `group` is the same, inferred: it would find one group in flat parameters, and these groups in
    conditional ones.
    """

    def __init__(self, groups: tuple[Distributions, ...], seed: int, strategy: TpeStrategy) -> None:
        super().__init__(
            seed=seed,
            n_startup_trials=strategy.startup,
            multivariate=strategy.multivariate,
            constant_liar=strategy.constant_liar,
        )
        self._groups = groups if strategy.multivariate else ()

    def infer_relative_search_space(
        self,
        study: optuna.Study,  # noqa: ARG002  the signature of the base class
        trial: FrozenTrial,  # noqa: ARG002
    ) -> dict[str, BaseDistribution]:
        return {name: distribution for group in self._groups for name, distribution in group.items()}

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],  # noqa: ARG002
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for group in self._groups:
            values |= super().sample_relative(study, trial, group)
        return values
