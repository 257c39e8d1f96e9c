"""Building a table: only heads that have every training, and the others are named."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nas.heads_bench.build import build
from tests.builders import scenes_fidelity
from tests.nas.heads_bench.tables import RUNGS, cells, score, trainings


def test_scores_stand_in_the_order_of_heads_seeds_and_rungs():
    about, heads, numbers = build(reversed(list(trainings(cells()))), name="small")
    assert [head.key for head in heads] == [head.key for head in reversed(cells())], "as they first come"
    assert about.settings[0].seeds == (0, 1)
    expected = [[[score(head, seed, rung) for rung in RUNGS] for seed in (0, 1)] for head in (3, 2, 1, 0)]
    assert numbers["scenes"].score.tolist() == expected


def test_the_mean_over_classes_that_count_is_the_score():
    _, _, numbers = build(trainings(cells()), name="small")
    means = np.nanmean(numbers["scenes"].class_iou.astype(np.float64), axis=3)
    assert np.allclose(means, numbers["scenes"].score, atol=1e-7)


def test_a_head_without_a_result_is_left_out_and_named():
    found = list(trainings(cells()))
    found[2] = dataclasses.replace(found[2], curve=(), reason="the loss is not finite")
    found[5] = dataclasses.replace(found[5], curve=found[5].curve[:1])
    del found[7]
    about, heads, numbers = build(found, name="small")
    assert [head.key for head in heads] == [cells()[0].key]
    assert numbers["scenes"].score.shape == (1, 2, 2)
    assert [(out.key, out.seed, out.reason) for out in about.left_out] == [
        (cells()[1].key, 0, "the loss is not finite"),
        (cells()[2].key, 1, "measured at 1 of 2 rungs only"),
        (cells()[3].key, 1, "not trained with this seed"),
    ]


def test_two_data_sets_have_only_heads_that_were_trained_on_both():
    other = scenes_fidelity(50, 70, dataset="brain")
    found = [*trainings(cells()), *trainings(cells()[1:3], other, seeds=(4,))]
    about, heads, numbers = build(found, name="small")
    assert [head.key for head in heads] == [head.key for head in cells()[1:3]]
    assert {setting.dataset: (setting.seeds, setting.rungs) for setting in about.settings} == {
        "scenes": ((0, 1), (100, 300)),
        "brain": ((4,), (50, 70)),
    }
    assert numbers["brain"].score.shape == (2, 1, 2)


def test_two_fidelities_on_one_data_set_are_refused():
    found = [*trainings(cells()), *trainings(cells(), scenes_fidelity(*RUNGS, batch=4))]
    with pytest.raises(ValueError, match="the searches on scenes have different fidelities"):
        build(found, name="small")


def test_a_table_of_nothing_is_refused():
    with pytest.raises(ValueError, match="have no trials yet"):
        build([], name="small")
    unfinished = [dataclasses.replace(one, curve=(), reason="is running") for one in trainings(cells())]
    with pytest.raises(ValueError, match="no head has a result for every seed on every data set; 1x1: is running"):
        build(unfinished, name="small")
