"""The names of classes agree with those of the opened data set, for every layout."""

from __future__ import annotations

import pytest

from nas.data import ade20k, cityscapes, voc2012
from nas.data.entry import DatasetEntry
from nas.data.folder.description import FolderClass, FolderDataset, RatioSplit
from nas.data.registry import class_names, open_dataset


@pytest.mark.parametrize(
    ("layout", "names"),
    [("cityscapes", cityscapes.CLASS_NAMES), ("voc2012", voc2012.CLASS_NAMES), ("ade20k", ade20k.CLASS_NAMES)],
)
def test_layouts_that_fix_their_classes(tmp_path, layout, names):
    assert class_names(DatasetEntry(layout=layout, root=tmp_path)) == names


def test_names_in_a_file_of_ade20k(tmp_path):
    rows = ["Idx\tRatio\tTrain\tVal\tName", *(f"{i}\t0\t0\t0\tthing {i}, synonym" for i in range(150))]
    (tmp_path / "objectInfo150.txt").write_text("\n".join(rows))
    assert class_names(DatasetEntry(layout="ade20k", root=tmp_path))[149] == "thing 149"


def test_a_folder(tmp_path):
    classes = tuple(FolderClass(name=name, labels=(label,), colour="#000000") for label, name in enumerate("ab"))
    entry = FolderDataset(root=tmp_path, split=RatioSplit(images="i", masks="m"), classes=classes)
    assert class_names(entry) == ("a", "b")
    with pytest.raises(ValueError, match=r"i is not a readable folder"):
        open_dataset(entry)
