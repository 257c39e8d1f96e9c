"""How much each choice of a search over a space matters for being among the best trials: Optuna's PED-ANOVA."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from nas.panels.choices import Choices, choices_of, within
from nas.schemas.panels import BarPublic, BarsPanel, Panel, TextPanel
from nas.specs import Space
from nas.store.records import TrialRecord

if TYPE_CHECKING:
    from optuna import Study  # a second to load, and few services need it at once

FEWEST = 50
"""Trials without which nothing is computed: the best tenth of them are five, the fewest that Optuna advises."""

_SHUFFLED = "shuffled "
_TITLE = "What the best trials have in common"


class Importance(NamedTuple):
    """The importance of one choice as its share of the sum over all, and what so many values have by chance."""

    text: str
    value: float
    chance: float

    @property
    def above(self) -> float:
        """What is above chance, at least 0."""
        return max(0.0, self.value - self.chance)


def importance_panel(space: Space, trials: Sequence[TrialRecord], notes: Sequence[str]) -> Panel:
    """Make the bars of importance of the choices above chance; with fewer than 50 trials, a sentence that says so.

    Args:
        space: Of the search.
        trials: Trials that have a standing.
        notes: Which trials these are, in words.
    """
    inside, left_out = within(space, trials)
    if len(inside) < FEWEST:
        line = (
            f"importance needs {FEWEST} trials with a score; there {'is' if len(inside) == 1 else 'are'} {len(inside)}"
        )
        return TextPanel(title=_TITLE, lines=(line, *left_out), style="muted")
    found = importances(space, inside)
    above = [one for one in found if one.above > 0]
    most = max((one.above for one in above), default=1.0)
    bars = tuple(
        BarPublic(text=one.text, value=one.above / most, value_text=f"{one.value:.1%}, by chance {one.chance:.1%}")
        for one in above
    )
    explained = (
        "PED-ANOVA (Watanabe et al., IJCAI 2023): how far the values in the best tenth of the trials differ from those "
        "in all, choice by choice. By chance: the mean for choices of as many values, shuffled between the trials. "
        "The bars show what is above it."
    )
    others = [one.text for one in found if one.above <= 0]
    nothing = (f"Nothing above chance was seen of: {', '.join(others)}.",) if others else ()
    return BarsPanel(title=_TITLE, bars=bars, notes=(explained, *nothing, *notes, *left_out))


def importances(space: Space, trials: Sequence[TrialRecord]) -> list[Importance]:
    """Compute the importance of each choice for being in the best tenth of some trials.

    Trials are ordered by their standing, the one definition of better, so that trials at different rungs count too.
    Shuffled copies of the choices show what chance alone makes of so few trials and so many values.

    Args:
        space: Of the search.
        trials: Trials that have a standing, of architectures of the space.

    Returns:
        The choices that have several values, those most above chance first.

    Source:
        Watanabe et al., "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces", IJCAI
        2023; the computation is Optuna's.
    """
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    from nas.strategies.optuna_logs import without_logs

    choices = choices_of(space)
    with without_logs():
        study = _study(choices, trials)
        found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    shuffled: Mapping[int, list[float]] = defaultdict(list)
    for choice in choices.all:
        shuffled[len(choice.values)].append(found[_SHUFFLED + choice.name])
    whole = sum(found[choice.name] for choice in choices.all) or 1.0
    result = [
        Importance(choice.text, found[choice.name] / whole, fmean(shuffled[len(choice.values)]) / whole)
        for choice in choices.all
        if len(choice.values) > 1
    ]
    return sorted(result, key=lambda one: one.chance - one.value)


def _study(choices: Choices, trials: Sequence[TrialRecord]) -> Study:
    import optuna
    from optuna.distributions import BaseDistribution, CategoricalDistribution
    from optuna.trial import create_trial

    class SharedDistribution(CategoricalDistribution):
        """Optuna copies the distributions with each trial, and compares the copies choice by choice."""

        def __deepcopy__(self, memo: object) -> SharedDistribution:
            return self  # it never changes

    distributions: dict[str, BaseDistribution] = {}
    for choice in choices.all:
        for name in (choice.name, _SHUFFLED + choice.name):
            distributions[name] = SharedDistribution(tuple(choice.values))
    # No two are equal, so that the best tenth is a tenth: of equal trials the lower number is better, as everywhere.
    worst_first = sorted(trials, key=lambda trial: (trial.standing or (0, 0.0), -trial.number))
    rank = {trial.number: float(place) for place, trial in enumerate(worst_first)}
    chosen = [choices.of(trial.architecture) for trial in trials]
    rng = random.Random(0)  # noqa: S311  no secret depends on it
    for choice in choices.all:
        values = [one[choice.name] for one in chosen]
        rng.shuffle(values)
        for one, value in zip(chosen, values, strict=True):
            one[_SHUFFLED + choice.name] = value
    study = optuna.create_study(direction="maximize")
    study.add_trials(
        [
            create_trial(params=params, distributions=distributions, value=rank[trial.number])
            for trial, params in zip(trials, chosen, strict=True)
        ]
    )
    return study
