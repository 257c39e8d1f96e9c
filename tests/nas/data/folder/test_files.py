from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.data.folder.files import Suffixes, find_mask_suffix, find_suffixes, without_suffix

NAMES = st.lists(st.text("abc0123", min_size=1, max_size=6), min_size=2, max_size=8, unique=True)


@pytest.mark.parametrize(
    ("images", "masks", "expected"),
    [
        (["a", "b"], ["a", "b"], ("", "")),
        (["a", "b"], ["a_mask", "b_mask"], ("", "_mask")),
        (["a"], ["a_gt_mask"], ("", "_gt_mask")),
        (["1_sat", "2_sat"], ["1_mask", "2_mask"], ("_sat", "_mask")),
        (["x-rgb", "y-rgb"], ["x", "y"], ("-rgb", "")),
        (["scan.1", "scan.2"], ["scan.1", "scan.2"], ("", "")),
        (["a_1", "b_1"], ["a_1", "b_1"], ("", "")),  # no suffix, although one is shared
        (["a", "b"], ["c", "d"], None),
    ],
)
def test_suffixes(images, masks, expected):
    assert find_suffixes(images, masks) == (None if expected is None else Suffixes(*expected))


@given(NAMES, st.sampled_from(["", "_mask", "-label", ".gt"]), st.sampled_from(["", "_sat", " rgb"]))
def test_any_names_with_suffixes_are_paired(names, mask, image):
    found = find_suffixes([name + image for name in names], [name + mask for name in names])
    assert found is not None
    images, masks = (
        [(name + end).removesuffix(cut) for name in names] for end, cut in ((image, found.image), (mask, found.mask))
    )
    assert sorted(images) == sorted(masks)


def test_masks_beside_images():
    assert find_mask_suffix(["a", "a_mask", "b", "b_mask", "b_extra"]) == "_mask"
    assert find_mask_suffix(["s.1", "s.1_gt", "s.2", "s.2_gt"]) == "_gt"
    assert find_mask_suffix(["a", "b_c"]) is None


def test_a_suffix_alone_is_no_name(tmp_path):
    assert without_suffix({"a_mask": tmp_path, "_mask": tmp_path, "b": tmp_path}, "_mask") == {"a": tmp_path}
