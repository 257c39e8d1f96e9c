"""Tree-structured Parzen estimator over the cell's choices, by Optuna's sampler (Bergstra et al., NeurIPS 2011)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from nas.specs import DenseCellSpace, TpeStrategy
from nas.strategies.base import CellStrategy, Observation
from nas.strategies.cells import CellSpace
from search_spaces.dense_cell.architecture import FEATURES, OPERATOR_SETS, Branch, DenseCell, operator_index

TPE_TRIES = 10
"""Suggestions that may give seen cells, or cells beyond the limit, before a uniform draw is made instead."""


class TpeSearch(CellStrategy):
    """Tree-structured Parzen estimator: one categorical parameter for each branch's input and operator, and the width.

    Optuna models all parameters jointly; what the space leaves no choice of is no parameter.
    A trial that early stopping ended is told to Optuna as pruned, with the score at its last rung: Optuna ranks all
    pruned trials behind the completed trials, deeper rungs first. Trials in flight count as bad (constant liar), so
    that concurrent proposals differ. Failed trials teach nothing. The first `startup` finished trials are uniform.

    Optuna learns every cell in its canonical form, which is the one that the store keeps: a proposal whose branches
    Optuna drew in another order is withdrawn and entered anew. So a restored strategy knows what this one knows, and
    one cell has one set of parameters.

    Every proposal uses a sampler of its own, seeded by (seed, number): one sampler for all proposals would carry the
    state of its random generator from proposal to proposal, and the store does not hold that state.

    Source:
        Bergstra et al., NeurIPS 2011.
    """

    def __init__(self, space: CellSpace, seed: int, strategy: TpeStrategy) -> None:
        super().__init__(space, seed)
        self._strategy = strategy
        self._distributions = _distributions(space.spec)
        self._trials: dict[int, optuna.Trial] = {}
        with _without_logs():
            self._study = optuna.create_study(direction="maximize")

    def _propose(self, number: int, rng: random.Random) -> DenseCell | None:  # noqa: ARG002  `rng` depends on it
        for _ in range(TPE_TRIES):
            self._study.sampler = _Sampler(self._distributions, rng.randrange(2**32), self._strategy.startup)
            trial = self._study.ask(self._distributions)
            cell = _decode(trial.params, self._space.spec)
            self._study.tell(trial, state=TrialState.FAIL)  # `_assign` enters what is proposed, in its canonical form
            if self._is_new(cell):
                return cell
        return None

    def _assign(self, number: int, cell: DenseCell) -> None:
        super()._assign(number, cell)
        self._study.sampler = RandomSampler(seed=0)  # every parameter is enqueued, so nothing is drawn
        self._study.enqueue_trial(_encode(cell.canonical(), self._distributions))
        self._trials[number] = self._study.ask(self._distributions)

    def _learn(self, observation: Observation) -> None:
        trial = self._trials.pop(observation.number)
        if observation.score is None or observation.iteration is None or not observation.scored:
            self._study.tell(trial, state=TrialState.FAIL)
        elif observation.status == "completed":
            self._study.tell(trial, observation.score)
        else:
            trial.report(observation.score, step=observation.iteration)
            self._study.tell(trial, state=TrialState.PRUNED)


class _Sampler(TPESampler):
    """TPE sampler with a given search space, which Optuna would otherwise infer from all trials: 0.3 s at 1,000."""

    def __init__(self, distributions: dict[str, BaseDistribution], seed: int, startup: int) -> None:
        super().__init__(seed=seed, n_startup_trials=startup)
        self._distributions = distributions

    def infer_relative_search_space(
        self,
        study: optuna.Study,  # noqa: ARG002  the signature of the base class
        trial: FrozenTrial,  # noqa: ARG002
    ) -> dict[str, BaseDistribution]:
        return self._distributions


def _distributions(space: DenseCellSpace) -> dict[str, BaseDistribution]:
    options, maps = len(OPERATOR_SETS[space.operators]), 1 if space.levels is None else len(space.levels)
    choices: dict[str, Sequence[int]] = {f"input_{i}": range(-maps, i) for i in range(space.branches)}
    choices |= {f"operator_{i}": range(options) for i in range(space.branches)}
    choices |= {"channels": space.channels or ()}
    return {name: CategoricalDistribution(values) for name, values in choices.items() if len(values) > 1}


def _encode(cell: DenseCell, distributions: Mapping[str, BaseDistribution]) -> dict[str, int | None]:
    inputs = {f"input_{i}": branch.input for i, branch in enumerate(cell.branches)}
    operators = {f"operator_{i}": operator_index(branch.operator) for i, branch in enumerate(cell.branches)}
    values = {**inputs, **operators, "channels": cell.channels}
    return {name: values[name] for name in distributions}


def _decode(params: dict[str, int], space: DenseCellSpace) -> DenseCell:
    options, only = OPERATOR_SETS[space.operators], space.channels[0] if space.channels else None
    branches = tuple(
        Branch(input=params.get(f"input_{i}", FEATURES), operator=options[params[f"operator_{i}"]])
        for i in range(space.branches)
    )
    return DenseCell(branches=branches, levels=space.levels, channels=params.get("channels", only))


@contextmanager
def _without_logs() -> Iterator[None]:
    """Silence Optuna, which logs every new study on stderr; the process's log level is restored afterwards."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
