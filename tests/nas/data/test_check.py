from __future__ import annotations

import pytest

from nas.data.check import check_labels, refuse_errors
from nas.data.counts import LabelCounts
from nas.data.errors import DatasetError

NAMES = ("sky", "road", "car")
GOOD = LabelCounts((10, 20, 30), 5)


def found(training: LabelCounts, validation: LabelCounts, names=NAMES, **more: str) -> list[tuple[str, str]]:
    return [(finding.severity, finding.message) for finding in check_labels(training, validation, names, **more)]


def test_good_labels_have_no_finding():
    assert found(GOOD, GOOD) == []
    assert found(LabelCounts((1, 1, 1), 3), GOOD) == []  # half void is not more than half


@pytest.mark.parametrize("split", ["training", "validation"])
def test_void_alone_is_an_error(split):
    void = LabelCounts((0, 0, 0), 9)
    findings = found(void, GOOD) if split == "training" else found(GOOD, void)
    assert findings == [("error", f"every pixel of the {split} labels is void (ignored), no class occurs")]


@pytest.mark.parametrize("split", ["training", "validation"])
def test_one_class_is_an_error_by_name(split):
    one = LabelCounts((0, 7, 0), 0)
    (severity, message), *warnings = found(one, GOOD) if split == "training" else found(GOOD, one)
    assert severity == "error"
    assert message == (
        f"the {split} labels hold the class 'road' alone, on which every network scores alike; "
        f"at least two classes must occur"
    )
    assert [kind for kind, _ in warnings] == ["warning"]


def test_binary_label_maps_with_255_are_recognised():
    ((severity, message),) = found(LabelCounts((90, 0, 0), 10), LabelCounts((80, 0, 0), 20))
    assert severity == "error"
    assert message == (
        "the training and validation labels hold the class 'sky' alone and up to 20% of their pixels are void, on "
        "which every network scores alike; at least two classes must occur; where a second class is stored as the "
        "number that is ignored (often 255), map that number to class 1"
    )


def test_one_class_that_differs_is_two_errors():
    findings = found(LabelCounts((9, 0, 0), 0), LabelCounts((0, 9, 0), 0))
    assert [kind for kind, _ in findings[:2]] == ["error", "error"]
    assert "training labels hold the class 'sky'" in findings[0][1]
    assert "validation labels hold the class 'road'" in findings[1][1]


def test_more_than_half_void_is_a_warning():
    assert found(LabelCounts((1, 1, 1), 4), GOOD, counted="in crops of 8x8 pixels") == [
        (
            "warning",
            "57% of the pixels of the training labels in crops of 8x8 pixels are void (ignored, or beyond the border "
            "of an image): see whether the ignored value is a class, or the crop is larger than the images",
        )
    ]


def test_classes_of_one_split_are_named():
    names = tuple(f"c{index}" for index in range(12))
    few = LabelCounts((1, 1) + (0,) * 10, 0)
    every = LabelCounts((1,) * 12, 0)
    assert found(few, every, names) == [
        (
            "warning",
            "c2, c3, c4, c5, c6, c7, c8, c9 and 2 more occur in the validation labels but in no training label: "
            "what cannot be learnt counts as IoU 0 in every score",
        )
    ]
    assert found(GOOD, LabelCounts((1, 1, 0), 0)) == [
        ("warning", "car occurs in the training labels only: no score measures this")
    ]


# Of Cityscapes' classes, training ids 0 to 18 can only become road, sidewalk, building, wall, fence and pole.
STREET = tuple(f"class {index}" for index in range(19))


def street(pixels: dict[int, int], void: int) -> LabelCounts:
    return LabelCounts(tuple(pixels.get(index, 0) for index in range(19)), void)


def test_cityscapes_training_ids_are_recognised():
    sign_as_road = street({0: 5, 1: 100, 4: 60}, 800)
    severity, message = found(sign_as_road, sign_as_road, STREET, layout="cityscapes")[0]
    assert severity == "error"
    assert "seem to hold training ids (0 to 18), while files named *_labelIds.png hold label ids" in message
    assert message.startswith("83% of the training labels are void: ")
    little_void = street({0: 5, 1: 100, 4: 60}, 8)
    assert {kind for kind, _ in found(little_void, little_void, STREET, layout="cityscapes")} == {"warning"}
    every_void = street({}, 9)
    assert all("training ids" in message for _, message in found(every_void, every_void, STREET, layout="cityscapes"))
    assert "training ids" not in str(found(every_void, every_void, STREET, layout="ade20k"))
    real = street({0: 100, 10: 40}, 800)  # with sky, whose label id is 23
    assert "training ids" not in str(found(real, real, STREET, layout="cityscapes"))


def test_errors_are_raised_together_and_warnings_returned():
    void, one = LabelCounts((0, 0, 0), 9), LabelCounts((9, 0, 0), 0)
    with pytest.raises(
        DatasetError, match=r"^data set mine: every pixel of the training .*; the validation labels hold"
    ):
        refuse_errors(check_labels(void, one, NAMES), "mine")
    assert len(refuse_errors(check_labels(LabelCounts((1, 1, 0), 0), GOOD, NAMES), "mine")) == 1
