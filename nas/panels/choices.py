"""What a search over dense prediction cells chooses, and the panel of scores against these choices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nas.formatting import score
from nas.schemas.panels import ChoicePublic, ChoicesPanel, ChosenPublic, Mark
from nas.specs import DenseCellSpace
from nas.store.records import TrialRecord
from nas.strategies.choices import cell_choices, encode
from search_spaces.dense_cell.architecture import OPERATOR_SETS, DenseCell
from search_spaces.text import input_text, operator_text

KINDS = {"conv1x1": "1x1", "atrous_separable": "sep", "pyramid_pooling": "pool"}
"""Kinds of operators in short; the others are called by their own names."""


@dataclass(frozen=True)
class Choice:
    """One choice of a space: its name, its text, and the values that it can have with their texts.

    Attributes:
        name: `input_<branch>`, `kind_<branch>` (of its operator), `operator_<branch>` or `channels`.
        text: In words.
        short: In few letters.
        values: By their text, in the order of the space.
    """

    name: str
    text: str
    short: str
    values: Mapping[Any, str]


class Choices:
    """The choices of a space: those that a strategy makes, and of each operator also its kind.

    Args:
        space: The space.
    """

    def __init__(self, space: DenseCellSpace) -> None:
        self._plain = cell_choices(space)
        operators = OPERATOR_SETS[space.operators]
        self._kinds = [operator.op for operator in operators]
        kinds = {kind: KINDS.get(kind, kind.replace("_", " ")) for kind in self._kinds}
        found: list[Choice] = []
        for name, values in self._plain.items():
            what, _, branch = name.partition("_")
            match what:
                case "input":
                    reads = {value: input_text(value, space.levels) for value in values}
                    found.append(Choice(name, f"input of branch {branch}", f"input {branch}", reads))
                case "operator":
                    found.append(
                        Choice(f"kind_{branch}", f"kind of operator of branch {branch}", f"kind {branch}", kinds)
                    )
                    texts = {value: operator_text(operators[value]) for value in values}
                    found.append(Choice(name, f"operator of branch {branch}", f"operator {branch}", texts))
                case _:
                    found.append(Choice(name, "width", "width", {value: str(value) for value in values}))
        self.all = tuple(found)

    def of(self, cell: DenseCell) -> dict[str, int | str]:
        """Read the value of each choice off a cell, by the name of the choice."""
        plain = encode(cell, self._plain)
        values: dict[str, int | str] = {name: value for name, value in plain.items() if value is not None}
        for choice in self.all:
            what, _, branch = choice.name.partition("_")
            if what == "kind":
                values[choice.name] = cell.branches[int(branch)].operator.op
        return values


def choices_panel(
    space: DenseCellSpace, trials: Iterable[TrialRecord], objective: str, best: TrialRecord, notes: Sequence[str]
) -> ChoicesPanel:
    """Make the panel of the first objective's values against choices.

    Args:
        space: Of the search.
        trials: Trials whose deepest rung is that of the best one.
        objective: The first objective in words.
        best: The best trial.
        notes: Which trials these are, in words.
    """
    choices = Choices(space)
    places = {choice.name: {value: place for place, value in enumerate(choice.values)} for choice in choices.all}
    chosen: list[ChosenPublic] = []
    for trial in trials:
        cell = trial.architecture
        assert isinstance(cell, DenseCell), trial.number
        assert trial.value is not None, trial.number
        values = choices.of(cell)
        mark: Mark = "best" if trial.number == best.number else trial.status.value
        chosen.append(
            ChosenPublic(
                number=trial.number,
                value=trial.value,
                text=f"trial {trial.number}: {score(trial.value)}",
                mark=mark,
                values=tuple(places[choice.name][values[choice.name]] for choice in choices.all),
            )
        )
    return ChoicesPanel(
        title=f"Score at iteration {best.iteration} against what was chosen",
        y_text=objective,
        choices=tuple(ChoicePublic(text=c.text, short=c.short, values=tuple(c.values.values())) for c in choices.all),
        trials=tuple(sorted(chosen, key=lambda one: (one.value, -one.number))),
        notes=tuple(notes),
    )
