"""The part of the validation images that a search keeps back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.specs.holdout import Holdout
from tests.builders import scenes_fidelity


@given(st.integers(2, 500), st.floats(0.001, 0.999))
def test_the_two_parts_are_all_images_each_once_and_in_blocks(count, share):
    selection = Holdout(share=share).images(count)
    kept_back = Holdout(share=share, measure_on="kept_back").images(count)
    assert [*selection, *kept_back] == list(range(count))
    assert selection
    assert kept_back
    assert abs(len(kept_back) - share * count) <= 1


def test_one_image_is_not_divided():
    with pytest.raises(ValueError, match="there is 1: leave it out"):
        Holdout().images(1)


def test_fidelities_without_one_keep_their_keys():
    plain = scenes_fidelity(10)
    assert "holdout" not in plain.model_dump(mode="json")
    keys = {plain.key, scenes_fidelity(10, holdout={}).key}
    keys.add(scenes_fidelity(10, holdout={"measure_on": "kept_back"}).key)
    assert len(keys) == 3
