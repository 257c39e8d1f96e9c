"""Build the rule of early stopping that a spec names."""

from __future__ import annotations

from collections.abc import Sequence

from nas.specs import AshaStopping, BlackBoxSpec, HyperbandStopping, MedianStopping, PashaStopping
from nas.strategies.stopping.asha import SuccessiveHalving
from nas.strategies.stopping.base import EarlyStopper
from nas.strategies.stopping.hyperband import Hyperband
from nas.strategies.stopping.median import MedianStopping as MedianRule
from nas.strategies.stopping.pasha import ProgressiveHalving


def early_stopper(spec: BlackBoxSpec) -> EarlyStopper | None:
    """Build the rule of a search, as new; None where nothing is stopped."""
    rungs = spec.fidelity.rungs
    match spec.early_stopping:
        case None:
            return None
        case AshaStopping(reduction=reduction):
            return _halving(rungs, reduction, spec.goals.several)
        case MedianStopping(startup=startup):
            return MedianRule(rungs, startup)
        case PashaStopping(reduction=reduction, epsilon=epsilon):
            return ProgressiveHalving(rungs, reduction, epsilon)
        case HyperbandStopping(reduction=reduction, brackets=brackets):
            count = min(brackets or len(rungs), len(rungs))
            several = spec.goals.several
            return Hyperband(rungs, [_halving(rungs, reduction, several) for _ in range(count)], reduction)


def _halving(rungs: Sequence[int], reduction: float, several: bool) -> EarlyStopper:
    if not several:
        return SuccessiveHalving(rungs, reduction)
    from nas.strategies.stopping.pareto import ParetoHalving  # numpy, which would slow down the service's start

    return ParetoHalving(rungs, reduction)
