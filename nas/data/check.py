"""Finds in the counted labels of a data set what makes scores meaningless, or surprises whoever reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from nas.data.cityscapes import LABELS
from nas.data.counts import LabelCounts
from nas.data.dataset import IGNORE
from nas.data.errors import DatasetError

VOID_SHARE = 0.5
"""Share of void pixels above which there is a warning."""

NAMED = 8
"""Classes that a sentence lists at most."""

# Training ids run to 18. Read as label ids, they can only become these classes; the other 13 never occur.
_FROM_TRAIN_IDS = frozenset(train for _, train, _ in LABELS[:19]) - {IGNORE}


class Finding(NamedTuple):
    """One sentence about the labels of a data set: an error forbids training, a warning does not."""

    severity: Literal["error", "warning"]
    message: str


def check_labels(
    training: LabelCounts,
    validation: LabelCounts,
    class_names: Sequence[str],
    *,
    layout: str = "",
    counted: str = "",
) -> tuple[Finding, ...]:
    """Judge the labels that a network would be trained and measured on.

    Errors: no labels but void, or one class alone, in training or validation; more than half void together with the
    pattern of Cityscapes' training ids read as label ids. Warnings: more than half void, classes that occur in
    validation only, and classes that occur in training only.

    Args:
        training: Counts of the training labels.
        validation: Counts of the validation labels.
        class_names: Names, in the order of the counts.
        layout: Folder layout of the data set, for instance "cityscapes".
        counted: Where the pixels were counted, as the end of a clause, for instance "in crops of 64x128 pixels".

    Returns:
        The findings, errors first.
    """
    place = f" {counted}" if counted else ""
    hint = _hint(training, validation, layout)
    found = [
        *_few_classes({"training": training, "validation": validation}, class_names, place, hint),
        *_mostly_void("training", training, place),
        *_mostly_void("validation", validation, place),
        *_train_ids(training, validation, layout, place),
        *_one_sided(training, validation, class_names, place),
    ]
    return tuple(sorted(found, key=lambda finding: finding.severity != "error"))


def refuse_errors(findings: Iterable[Finding], name: str) -> tuple[str, ...]:
    """Return the warnings among findings.

    Args:
        findings: Of `check_labels`.
        name: Of the data set, with which the message begins.

    Raises:
        DatasetError: There are errors; the message has them all.
    """
    errors = [finding.message for finding in findings if finding.severity == "error"]
    if errors:
        raise DatasetError(f"data set {name}: {'; '.join(dict.fromkeys(errors))}")
    return tuple(finding.message for finding in findings)


def _few_classes(splits: Mapping[str, LabelCounts], names: Sequence[str], place: str, hint: str) -> Iterable[Finding]:
    """Errors of splits with fewer than two classes; one for both where both have the same."""
    alike: dict[tuple[int, ...], list[str]] = {}
    for split, counts in splits.items():
        if len(counts.occurring) < 2:
            alike.setdefault(counts.occurring, []).append(split)
    for occurring, found in alike.items():
        which = " and ".join(found)
        if not occurring:
            text = f"every pixel of the {which} labels{place} is void (ignored), no class occurs{hint}"
        else:
            void = max(splits[split].void_share for split in found)
            rest = f" and up to {void:.0%} of their pixels are void" if void else ""
            text = (
                f"the {which} labels{place} hold the class {names[occurring[0]]!r} alone{rest}, on which every "
                f"network scores alike; at least two classes must occur{hint}"
            )
        yield Finding("error", text)


def _mostly_void(split: str, counts: LabelCounts, place: str) -> Iterable[Finding]:
    if len(counts.occurring) >= 2 and counts.void_share > VOID_SHARE:
        text = (
            f"{counts.void_share:.0%} of the pixels of the {split} labels{place} are void (ignored, or beyond the "
            f"border of an image): see whether the ignored value is a class, or the crop is larger than the images"
        )
        yield Finding("warning", text)


def _hint(training: LabelCounts, validation: LabelCounts, layout: str) -> str:
    """The likely cause where a split has no class, or one class and void."""
    if layout == "cityscapes" and _like_train_ids(training, validation):
        return f"; {_TRAIN_IDS}"
    if all(len(counts.occurring) <= 1 for counts in (training, validation)) and training.void + validation.void:
        return "; where a second class is stored as the number that is ignored (often 255), map that number to class 1"
    return ""


_TRAIN_IDS = (
    "the label maps seem to hold training ids (0 to 18), while files named *_labelIds.png hold label ids "
    "(7 is road, 26 is car): use the original label maps"
)


def _train_ids(training: LabelCounts, validation: LabelCounts, layout: str, place: str) -> Iterable[Finding]:
    # Where a split has fewer than two classes, its error ends with the same hint.
    judged = all(len(counts.occurring) >= 2 for counts in (training, validation))
    if judged and layout == "cityscapes" and _like_train_ids(training, validation):
        severity: Literal["error", "warning"] = "error" if training.void_share > VOID_SHARE else "warning"
        yield Finding(severity, f"{training.void_share:.0%} of the training labels{place} are void: {_TRAIN_IDS}")


def _like_train_ids(training: LabelCounts, validation: LabelCounts) -> bool:
    occurring = {*training.occurring, *validation.occurring}
    return training.void > 0 and occurring <= _FROM_TRAIN_IDS


def _one_sided(training: LabelCounts, validation: LabelCounts, names: Sequence[str], place: str) -> Iterable[Finding]:
    trained, measured = set(training.occurring), set(validation.occurring)
    if trained and measured - trained:
        text = (
            f"{_listed(measured - trained, names)} in the validation labels{place} but in no training label: "
            f"what cannot be learnt counts as IoU 0 in every score"
        )
        yield Finding("warning", text)
    if measured and trained - measured:
        text = f"{_listed(trained - measured, names)} in the training labels{place} only: no score measures this"
        yield Finding("warning", text)


def _listed(classes: Iterable[int], names: Sequence[str]) -> str:
    ordered = sorted(classes)
    listed = ", ".join(names[index] for index in ordered[:NAMED])
    more = f" and {len(ordered) - NAMED} more" if len(ordered) > NAMED else ""
    return f"{listed}{more} occur{'s' if len(ordered) == 1 else ''}"
