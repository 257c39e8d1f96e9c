"""The table of SegHeads-Bench that is kept beside its recorder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nas.heads_bench
from benchmarks import heads_bench
from benchmarks.heads_bench.protocol import DATASETS, RUNGS, SEEDS, fidelity, heads
from nas.specs import Fidelity
from search_spaces.document import architecture_from_dict

RECORDED = Path(heads_bench.__file__).with_name("heads.zip")


@pytest.fixture(scope="module")
def table() -> nas.heads_bench.HeadsTable:
    return nas.heads_bench.open(RECORDED)


def test_it_is_what_the_protocol_lists_but_for_one_head_that_diverged(table):
    listed = [architecture_from_dict(head).key for head in heads(325)]
    (out,) = table.about.left_out
    assert "not finite" in out.reason
    assert [head.key for head in table.heads] == [key for key in listed if key != out.key]


@pytest.mark.parametrize("dataset", DATASETS)
def test_it_was_measured_as_the_protocol_says(table, dataset):
    setting = table.setting(dataset)
    assert setting.read_fidelity() == Fidelity.model_validate(fidelity(dataset))
    assert (setting.rungs, setting.seeds) == (RUNGS, tuple(range(SEEDS)))
    of = table.numbers[dataset]
    assert np.allclose(np.nanmean(of.class_iou.astype(np.float64), axis=3), of.score, atol=1e-6)
    assert (np.diff(of.seconds, axis=2) > 0).all()


@pytest.mark.parametrize("dataset", DATASETS)
def test_heads_differ_by_more_than_seeds_do(table, dataset):
    last = table.numbers[dataset].score[:, :, -1]
    assert last.mean(axis=1).std(ddof=1) > 3 * np.sqrt(last.var(axis=1, ddof=1).mean())
