"""What a search over a space chooses, and the panel of scores against these choices."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nas.formatting import counted, score
from nas.schemas.panels import ChoicePublic, ChoicesPanel, ChosenPublic, Mark, TextPanel
from nas.specs import AutoDeepLabSpace, DenseCellSpace, Space
from nas.store.records import TrialRecord
from nas.strategies.choices import cell_choices, encode
from search_spaces.auto_deeplab.architecture import FIRST_BLOCK, OPERATORS, STRIDES, AutoDeepLab
from search_spaces.auto_deeplab.trellis import Trellis
from search_spaces.dense_cell.architecture import OPERATOR_SETS, DenseCell
from search_spaces.document import Architecture
from search_spaces.text import input_text, operator_text, state_text

KINDS = {"conv1x1": "1x1", "atrous_separable": "sep", "pyramid_pooling": "pool"}
"""Kinds of operators in short; the others are called by their own names."""


@dataclass(frozen=True)
class Choice:
    """One choice of a space: its name, its text, and the values that it can have with their texts.

    Attributes:
        name: Of cells `input_<branch>`, `kind_<branch>` (of its operator), `operator_<branch>` or `channels`; of
            networks `input_<block>_<side>`, `operator_<block>_<side>` or `layer_<layer>`.
        text: In words.
        short: In few letters.
        values: By their text, in the order of the space.
        group: What it is about, where a space has too many choices for one chart: those of a group are drawn together.
        scale: What it is drawn on where that has more than its own values, as other choices of its group share it.
    """

    name: str
    text: str
    short: str
    values: Mapping[Any, str]
    group: str = ""
    scale: Mapping[Any, str] | None = None

    @property
    def drawn(self) -> Mapping[Any, str]:
        """The values of its axis."""
        return self.values if self.scale is None else self.scale


class Choices(ABC):
    """The choices of a space.

    Attributes:
        all: The choices.
    """

    all: tuple[Choice, ...]

    @abstractmethod
    def of(self, architecture: Architecture) -> dict[str, int | str]:
        """Read the value of each choice off an architecture, by the name of the choice."""


def choices_of(space: Space) -> Choices:
    """List the choices of a space."""
    match space:
        case DenseCellSpace():
            return CellChoices(space)
        case AutoDeepLabSpace():
            return NetworkChoices(space)
    raise AssertionError(space.kind)


class CellChoices(Choices):
    """The choices of a space of cells: those that a strategy makes, and of each operator also its kind.

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

    def of(self, architecture: Architecture) -> dict[str, int | str]:
        assert isinstance(architecture, DenseCell), architecture.kind
        values: dict[str, int | str] = {**encode(architecture, self._plain)}
        for choice in self.all:
            what, _, branch = choice.name.partition("_")
            if what == "kind":
                values[choice.name] = architecture.branches[int(branch)].operator.op
        return values


class NetworkChoices(Choices):
    """The choices of Auto-DeepLab's space: each edge's input and operator, and the stride of each layer.

    Args:
        space: The space.
    """

    def __init__(self, space: AutoDeepLabSpace) -> None:
        # The path first: it is what makes networks differ most.
        found = list(_strides(space))
        for block in range(space.blocks):
            reads = {state: state_text(state) for state in range(block + FIRST_BLOCK)}
            for side in (0, 1):
                edge, short = f"edge {side} of block {block}", f"{block}.{side}"
                operators = {operator: operator for operator in sorted(space.operators, key=OPERATORS.index)}
                what = f"block {block} of the cell"
                found += [
                    Choice(f"input_{block}_{side}", f"input of {edge}", f"input {short}", reads, what),
                    Choice(f"operator_{block}_{side}", f"operator of {edge}", f"operator {short}", operators, what),
                ]
        self.all = tuple(choice for choice in found if len(choice.values) > 1)

    def of(self, architecture: Architecture) -> dict[str, int | str]:
        assert isinstance(architecture, AutoDeepLab), architecture.kind
        values: dict[str, int | str] = {f"layer_{layer}": level for layer, level in enumerate(architecture.path)}
        for block, found in enumerate(architecture.blocks):
            for side, edge in enumerate(found.edges):
                values |= {f"input_{block}_{side}": edge.input, f"operator_{block}_{side}": edge.operator}
        return {choice.name: values[choice.name] for choice in self.all}


def _strides(space: AutoDeepLabSpace) -> Iterator[Choice]:
    trellis = Trellis(space.layers, space.levels)
    every = {level: str(STRIDES[level]) for level in range(space.levels)}
    for layer in range(space.layers):
        here = {level: every[level] for level in trellis.nodes(layer)}
        name, text = f"layer_{layer}", f"stride of layer {layer + 1}"  # from 1, as drawings of networks have it
        yield Choice(name, text, f"layer {layer + 1}", here, "strides of the layers", every)


def within(space: Space, trials: Iterable[TrialRecord]) -> tuple[list[TrialRecord], tuple[str, ...]]:
    """Choose the trials whose architectures are of a space, since others have values that its choices lack.

    Returns:
        These trials, and a sentence that counts the others where there are any.
    """
    inside, outside = [], 0
    for trial in trials:
        try:
            space.check_architecture(trial.architecture)
        except ValueError:
            outside += 1
        else:
            inside.append(trial)
    if not outside:
        return inside, ()
    what = "whose architecture is" if outside == 1 else "whose architectures are"
    return inside, (f"Left out: {counted(outside, 'trial')} {what} not of the space.",)


def choices_panel(  # noqa: PLR0917  what the panel says of them
    space: Space, trials: Iterable[TrialRecord], objective: str, iteration: int, best: int, notes: Sequence[str]
) -> ChoicesPanel | TextPanel:
    """Make the panel of the first objective's values against choices; a sentence where no trial is of the space.

    Args:
        space: Of the search.
        trials: Trials whose deepest rung is `iteration`.
        objective: The first objective in words.
        iteration: The rung of the values.
        best: The number of the best trial.
        notes: Which trials these are, in words.
    """
    choices = choices_of(space)
    places = {choice.name: {value: place for place, value in enumerate(choice.drawn)} for choice in choices.all}
    title, chosen = f"Score at iteration {iteration} against what was chosen", []
    inside, left_out = within(space, trials)
    if not inside and left_out:
        return TextPanel(title=title, lines=left_out, style="muted")
    for trial in inside:
        assert trial.value is not None, trial.number
        values = choices.of(trial.architecture)
        mark: Mark = "best" if trial.number == best else trial.status.value
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
        title=title,
        y_text=objective,
        choices=tuple(
            ChoicePublic(text=c.text, short=c.short, values=tuple(c.drawn.values()), group=c.group) for c in choices.all
        ),
        trials=tuple(sorted(chosen, key=lambda one: (one.value, -one.number))),
        notes=(*notes, *left_out),
    )
