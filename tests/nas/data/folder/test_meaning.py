"""What masks mean, by hand: values and names to classes, and what is refused with which remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.data.errors import DatasetError
from nas.data.folder.class_files import NamedClass
from nas.data.folder.description import Label
from nas.data.folder.meaning import Meaning, Wishes, decide
from nas.data.folder.scan import Scan

Labels = tuple[Label, ...]


def scan(*labels: Label) -> Scan:
    read = "colours" if any(isinstance(label, str) for label in labels) else "values"
    assert read in ("values", "colours")
    mask = Path("masks/a.png")
    return Scan("colours" if read == "colours" else "values", dict.fromkeys(labels, 10), dict.fromkeys(labels, mask), 1)


def names(*words: str) -> tuple[NamedClass, ...]:
    return tuple(NamedClass(word) for word in words)


def told(meaning: Meaning) -> tuple[dict[str, Labels], Labels]:
    return {item.name: item.labels for item in meaning.classes}, meaning.ignore


ABC = names("a", "b", "c")
COLOURED = (NamedClass("a", "#000000"), NamedClass("b", "#ff0000"))
VALUED = (NamedClass("a", None, 7), NamedClass("b", None, 11))


@pytest.mark.parametrize(
    ("labels", "wishes", "classes", "ignore"),
    [
        # Without names: classes by value, 255 ignored; two values 0 and 255 are a binary mask.
        ((0, 1, 2), Wishes(), {"class 0": (0,), "class 1": (1,), "class 2": (2,)}, (255,)),
        ((0, 1, 255), Wishes(), {"class 0": (0,), "class 1": (1,)}, (255,)),
        ((0, 255), Wishes(), {"class 0": (0,), "class 1": (255,)}, ()),
        ((0, 127, 254), Wishes(), {"class 0": (0,), "class 127": (127,), "class 254": (254,)}, (255,)),
        # Names are the values 0, 1, 2, ..., also of classes that no mask has.
        ((0, 1), Wishes(ABC), {"a": (0,), "b": (1,), "c": (2,)}, (255,)),
        ((0, 2, 255), Wishes(ABC), {"a": (0,), "b": (1,), "c": (2,)}, (255,)),
        # As many greys as names.
        ((0, 100, 200), Wishes(ABC), {"a": (0,), "b": (100,), "c": (200,)}, (255,)),
        ((0, 127, 255), Wishes(ABC), {"a": (0,), "b": (127,), "c": (255,)}, ()),
        ((10, 20, 30, 255), Wishes(ABC), {"a": (10,), "b": (20,), "c": (30,)}, (255,)),
        ((1, 2, 3), Wishes(ABC), {"a": (1,), "b": (2,), "c": (3,)}, (255,)),
        ((0, 255), Wishes(names("no", "yes")), {"no": (0,), "yes": (255,)}, ()),
        # Values in the file of classes.
        ((7, 11, 255), Wishes(VALUED), {"a": (7,), "b": (11,)}, (255,)),
        # Options.
        ((0, 1, 3), Wishes(ABC, reduce_zero_label=True), {"a": (1,), "b": (2,), "c": (3,)}, (0, 255)),
        ((0, 1, 2), Wishes(reduce_zero_label=True), {"class 0": (1,), "class 1": (2,)}, (0, 255)),
        ((0, 1, 2, 9), Wishes(ABC, ignore=(9,)), {"a": (0,), "b": (1,), "c": (2,)}, (9, 255)),
        ((0, 1, 255), Wishes(ignore=(255,)), {"class 0": (0,), "class 1": (1,)}, (255,)),
        ((0, 1, 9), Wishes(names("a", "b"), mapped={9: 1}), {"a": (0,), "b": (1, 9)}, (255,)),
        ((0, 255), Wishes(names("a", "b"), mapped={255: 1}), {"a": (0,), "b": (1, 255)}, ()),
        # Colours.
        (("#000000", "#ff0000"), Wishes(COLOURED), {"a": ("#000000",), "b": ("#ff0000",)}, ()),
        (("#ff0000", "#00ff00"), Wishes(), {"class 0": ("#00ff00",), "class 1": ("#ff0000",)}, ()),
        (
            ("#000000", "#ff0000", "#ffffff"),
            Wishes(COLOURED, ignore=("#ffffff",)),
            {"a": ("#000000",), "b": ("#ff0000",)},
            ("#ffffff",),
        ),
        (
            ("#000000", "#ff0000", "#fe0000"),
            Wishes(COLOURED, mapped={"#fe0000": "#ff0000"}),
            {"a": ("#000000",), "b": ("#ff0000", "#fe0000")},
            (),
        ),
        # Greys that were saved as RGB are values.
        (("#000000", "#ffffff"), Wishes(), {"class 0": ("#000000",), "class 1": ("#ffffff",)}, ()),
        (("#000000", "#010101"), Wishes(ABC), {"a": ("#000000",), "b": ("#010101",), "c": ("#020202",)}, ("#ffffff",)),
    ],
)
def test_meaning(labels, wishes, classes, ignore):
    assert told(decide(scan(*labels), wishes)) == (classes, ignore)


@pytest.mark.parametrize(
    ("labels", "wishes", "reason"),
    [
        ((0,), Wishes(), "hold 1 class (labels: 0), but 2 to 255 are needed"),
        ((255,), Wishes(), "hold 0 classes"),
        ((0, 1, 2, 3), Wishes(ABC, "c.txt"), "c.txt names 3 classes: if value 0 is no class, --reduce-zero-label"),
        ((1, 3), Wishes(ABC, "c.txt"), "--reduce-zero-label reads value v as the class v - 1"),
        ((0, 1, 77, 78), Wishes(ABC, "c.txt"), "4 values (0, 1, 77, 78), but c.txt names 3 classes: name the missing"),
        ((0, 4), Wishes(ABC, "c.txt", reduce_zero_label=True), "hold the value 4, but c.txt names 3 classes"),
        ((7, 11, 12), Wishes(VALUED, "c.csv"), "hold 12 (33.33% of the pixels), which c.csv gives no class"),
        (("#000000", "#ff0000"), Wishes(ABC, "c.txt"), "2 colours (#000000, #ff0000), but c.txt has names alone"),
        (("#000000", "#00ff00"), Wishes(COLOURED, "c.csv"), "leave it out with --ignore '#00ff00'"),
        (("#000000", "#00ff00"), Wishes(reduce_zero_label=True), "masks are read as colours"),
        ((0, 1), Wishes(ABC, mapped={1: 0}, reduce_zero_label=True), "cannot be combined"),
        ((0, 1), Wishes(ignore=("#000000",)), "the masks hold numbers, not colours such as #000000"),
        (("#000000", "#00ff00"), Wishes(ignore=(3,)), "the masks hold colours, not numbers such as 3"),
        ((0, 1), Wishes(names("a", "b"), ignore=(1,)), "nothing in the masks is left for the class b"),
    ],
)
def test_what_cannot_be_seen_is_asked_for(labels, wishes, reason):
    with pytest.raises(DatasetError) as caught:
        decide(scan(*labels), wishes)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "wishes", "note"),
    [
        ((0, 255), Wishes(), "the masks are binary: 0 is read as `class 0` and 255 as `class 1`"),
        ((0, 255), Wishes(names("no", "yes")), "0 is read as `no` and 255 as `yes`"),
        ((0, 1, 255), Wishes(), "value 255 is ignored"),
        ((0, 1), Wishes(), "no file names the classes"),
        ((1, 2), Wishes(ABC), "no pixel has value 0, `a`"),
        ((0, 100, 200), Wishes(ABC), "0 `a`, 100 `b`, 200 `c`"),
        ((0, 1), Wishes(ABC, reduce_zero_label=True), "value v is class v - 1"),
        (("#000000", "#ffffff"), Wishes(), "the masks are RGB, but grey everywhere"),
        (("#ff0000", "#00ff00"), Wishes(), "the 2 colours found"),
    ],
)
def test_decisions_are_said(labels, wishes, note):
    assert any(note in text for text in decide(scan(*labels), wishes).notes)


@given(st.sets(st.integers(0, 254), min_size=2, max_size=30))
def test_every_value_found_is_a_class_or_ignored_and_no_value_is_two(values):
    classes, ignore = told(decide(scan(*values, 255), Wishes()))
    labels = [label for item in classes.values() for label in item] + list(ignore)
    assert sorted(map(int, labels)) == sorted({*values, 255})
