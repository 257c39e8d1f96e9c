"""Decides which class each value or colour of the masks is; what cannot be seen is asked for in an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nas.data.errors import DatasetError
from nas.data.folder.class_files import NamedClass
from nas.data.folder.colours import distinct_colours
from nas.data.folder.description import MOST_CLASSES, FolderClass, Label, as_colour, rgb
from nas.data.folder.scan import Reading, Scan

VOID = 255
"""The value of ignored pixels by the convention of PASCAL VOC and Cityscapes."""


@dataclass(frozen=True)
class Wishes:
    """What the user says about the masks.

    Attributes:
        classes: Of a file of classes; None where there is none.
        source: The file's name, for messages.
        ignore: Values or colours to leave out.
        mapped: Value or colour by the one as which it is to be read.
        reduce_zero_label: Leave value 0 out, and read value v as class v - 1.
    """

    classes: tuple[NamedClass, ...] | None = None
    source: str = ""
    ignore: tuple[Label, ...] = ()
    mapped: Mapping[Label, Label] = field(default_factory=dict)
    reduce_zero_label: bool = False


@dataclass(frozen=True)
class Meaning:
    """The classes of the masks' labels, the labels to ignore, and sentences about what was decided and why."""

    read: Reading
    classes: tuple[FolderClass, ...]
    ignore: tuple[Label, ...]
    notes: tuple[str, ...]


@dataclass
class _Decision:
    """Classes as (name, what the masks hold after mapping, colour), ignored labels, and notes."""

    classes: list[tuple[str, Label, str | None]] = field(default_factory=list)
    ignore: list[Label] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def decide(scan: Scan, wishes: Wishes) -> Meaning:
    """Decide what the labels of the masks mean.

    Raises:
        DatasetError: The labels do not fit the classes, or there are fewer than two or more than 255 classes; the
            message says which option helps.
    """
    greys = _greys(scan, wishes)
    found = {greys.get(label, label): label for label in scan.pixels}
    mapped = {greys.get(label, label): greys.get(target, target) for label, target in wishes.mapped.items()}
    ignored = [greys.get(label, label) for label in wishes.ignore]
    _check_options(scan, wishes, bool(greys))
    effective = {mapped.get(label, label) for label in found if label not in ignored}
    if scan.read == "colours" and not greys:
        decision = _by_colour(scan, {label for label in effective if isinstance(label, str)}, wishes)
    else:
        decision = _by_value(scan, {label for label in effective if isinstance(label, int)}, wishes)
    if greys:
        decision.notes.insert(0, "the masks are RGB, but grey everywhere: they are read as grey values")
    return _written(scan, decision, mapped, ignored, {value: colour for colour, value in greys.items()})


def _greys(scan: Scan, wishes: Wishes) -> dict[Label, Label]:
    """The value of each grey colour, where the masks are RGB but hold greys only and no class has a colour.

    Classes with grey colours alone are read by colour, as any others.
    """
    coloured = wishes.classes is not None and wishes.classes[0].colour is not None
    if scan.read != "colours" or coloured or not all(len(set(rgb(str(label)))) == 1 for label in scan.pixels):
        return {}
    return {as_colour(value, value, value): value for value in range(256)}


def _check_options(scan: Scan, wishes: Wishes, grey: bool) -> None:
    values = scan.read == "values" or grey
    if wishes.reduce_zero_label and not values:
        raise DatasetError("--reduce-zero-label is for masks of numbers, but the masks are read as colours")
    if wishes.reduce_zero_label and wishes.mapped:
        raise DatasetError("--reduce-zero-label and --map cannot be combined: --map can say all of it")
    for label in (*wishes.ignore, *wishes.mapped, *wishes.mapped.values()):
        if isinstance(label, str) and scan.read == "values":
            raise DatasetError(f"the masks hold numbers, not colours such as {label}; --read colours reads colours")
        if isinstance(label, int) and not values:
            raise DatasetError(f"the masks hold colours, not numbers such as {label}; write it as #rrggbb")


def _by_value(scan: Scan, found: set[int], wishes: Wishes) -> _Decision:
    if wishes.reduce_zero_label:
        return _reduced(found, wishes)
    if wishes.classes is None:
        return _unnamed_values(found)
    if wishes.classes[0].value is not None:
        return _given_values(scan, found, wishes, wishes.classes)
    return _named_values(scan, found, wishes, wishes.classes)


def _reduced(found: set[int], wishes: Wishes) -> _Decision:
    """Value 0 is left out and v is class v - 1, as in ADE20K's masks."""
    present = sorted(found - {0, VOID})
    names = wishes.classes or tuple(NamedClass(f"class {value - 1}") for value in range(1, max(present, default=0) + 1))
    if present and present[-1] > len(names):
        raise DatasetError(
            f"the masks hold the value {present[-1]}, but {wishes.source} names {len(names)} classes, "
            f"which with --reduce-zero-label are the values 1 to {len(names)}"
        )
    classes: list[tuple[str, Label, str | None]] = [
        (item.name, value, item.colour) for value, item in enumerate(names, 1)
    ]
    return _Decision(classes, [0, VOID], ["value 0 is left out, and value v is class v - 1 (--reduce-zero-label)"])


def _unnamed_values(found: set[int]) -> _Decision:
    decision = _Decision()
    if found == {0, VOID}:
        decision.notes.append("the masks are binary: 0 is read as `class 0` and 255 as `class 1`")
        decision.classes = [("class 0", 0, None), ("class 1", VOID, None)]
    else:
        decision.ignore = [VOID]
        if VOID in found:
            decision.notes.append("value 255 is ignored, as is the convention; `--map 255=V` reads it as value V")
        decision.classes = [(f"class {value}", value, None) for value in sorted(found - {VOID})]
    names = ", ".join(f"`{name}`" for name, _, _ in decision.classes[:4])
    more = ", ..." if len(decision.classes) > 4 else ""
    decision.notes.append(f"no file names the classes (--classes FILE): they are called {names}{more} by their values")
    return decision


def _given_values(scan: Scan, found: set[int], wishes: Wishes, classes: Sequence[NamedClass]) -> _Decision:
    """The file of classes says the value of each class."""
    decision = _Decision([(item.name, int(item.value or 0), item.colour) for item in classes])
    values = {item.value for item in classes}
    if VOID not in values:
        decision.ignore = [VOID]
    if others := sorted(found - values - {VOID}):
        raise DatasetError(_unknown(scan, list(others), wishes.source))
    return decision


def _named_values(scan: Scan, found: set[int], wishes: Wishes, classes: Sequence[NamedClass]) -> _Decision:
    """Names without values: the values are 0, 1, 2, ..., or as many greys as there are names."""
    count = len(classes)
    labelled = sorted(found - {VOID})
    decision = _Decision(ignore=[VOID])
    targets = list(range(count))
    if count == 2 and found == {0, VOID}:
        targets, decision.ignore = [0, VOID], []
        decision.notes.append(f"the masks are binary: 0 is read as `{classes[0].name}` and 255 as `{classes[1].name}`")
    elif set(labelled) <= set(targets):
        if VOID in found:
            decision.notes.append("value 255 is ignored, as is the convention")
        if 0 not in found:
            decision.notes.append(
                f"no pixel has value 0, `{classes[0].name}`: where the masks number the classes from 1, "
                f"--reduce-zero-label reads them so"
            )
    elif len(found) == count or len(labelled) == count:
        targets = sorted(found) if len(found) == count else labelled
        decision.ignore = [] if VOID in targets else [VOID]
        pairs = ", ".join(f"{value} `{item.name}`" for value, item in zip(targets[:5], classes, strict=False))
        more = ", ..." if count > 5 else ""
        decision.notes.append(f"the {count} values of the masks are the classes in ascending order: {pairs}{more}")
    else:
        raise DatasetError(_misfit(scan, labelled, wishes.source, count))
    decision.classes = [(item.name, target, item.colour) for item, target in zip(classes, targets, strict=True)]
    return decision


def _misfit(scan: Scan, values: list[int], source: str, count: int) -> str:
    worst = values[-1]
    remedy = f"name the missing classes, or leave values out with --ignore or --map (first in {scan.first.get(worst)})"
    if worst == count and 0 not in values:
        remedy = "--reduce-zero-label reads value v as the class v - 1"
    elif worst == count:
        remedy = "if value 0 is no class, --reduce-zero-label leaves it out; else name one class more"
    shown = ", ".join(map(str, values[:12])) + (", ..." if len(values) > 12 else "")
    return f"the masks hold {len(values)} values ({shown}), but {source} names {count} classes: {remedy}"


def _by_colour(scan: Scan, found: set[str], wishes: Wishes) -> _Decision:
    if wishes.classes is None:
        colours = sorted(found)
        names = [f"class {index}" for index in range(len(colours))]
        note = (
            f"no file names the classes (--classes FILE): the {len(colours)} colours found are called {names[0]}, ..."
        )
        return _Decision(list(zip(names, colours, colours, strict=True)), notes=[note])
    if wishes.classes[0].colour is None:
        shown = ", ".join(sorted(found)[:12]) + (", ..." if len(found) > 12 else "")
        raise DatasetError(
            f"the masks are in {len(found)} colours ({shown}), but {wishes.source} has names alone: "
            f"give each class its colour there, such as `{wishes.classes[0].name},{min(found, default='#000000')}`"
        )
    if others := sorted(found - {item.colour for item in wishes.classes}):
        raise DatasetError(_unknown(scan, list(others), wishes.source))
    return _Decision([(item.name, str(item.colour), item.colour) for item in wishes.classes])


def _unknown(scan: Scan, labels: list[Label], source: str) -> str:
    total = sum(scan.pixels.values())
    parts = [f"{label} ({scan.pixels.get(label, 0) / total:.2%} of the pixels)" for label in labels[:6]]
    more = f" and {len(labels) - 6} more" if len(labels) > 6 else ""
    return (
        f"the masks hold {', '.join(parts)}{more}, which {source} gives no class (first in "
        f"{scan.first.get(labels[0])}): add it there, or leave it out with --ignore '{labels[0]}'"
    )


def _written(
    scan: Scan,
    decision: _Decision,
    mapped: Mapping[Label, Label],
    ignored: Sequence[Label],
    colours: Mapping[Label, Label],
) -> Meaning:
    """Write a decision in terms of what the files hold."""

    def originals(target: Label) -> tuple[Label, ...]:
        own = [] if target in mapped or target in ignored else [target]
        labels = [*own, *(label for label, meant in mapped.items() if meant == target and label not in ignored)]
        return tuple(colours.get(label, label) for label in labels)

    if not 2 <= len(decision.classes) <= MOST_CLASSES:
        shown = ", ".join(map(str, list(scan.pixels)[:6]))
        count = f"{len(decision.classes)} class{'es' * (len(decision.classes) != 1)}"
        raise DatasetError(f"the masks hold {count} (labels: {shown}), but 2 to {MOST_CLASSES} are needed")
    shown_in = distinct_colours(len(decision.classes))
    classes = []
    for (name, target, colour), other in zip(decision.classes, shown_in, strict=True):
        if not (labels := originals(target)):
            raise DatasetError(f"nothing in the masks is left for the class {name}: --ignore or --map took its label")
        classes.append(FolderClass(name=name, labels=labels, colour=colour or other))
    ignore = [colours.get(label, label) for label in ignored]
    ignore += [label for target in decision.ignore for label in originals(target) if label not in ignore]
    return Meaning(scan.read, tuple(classes), tuple(ignore), tuple(decision.notes))
