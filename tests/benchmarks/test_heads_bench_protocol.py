"""What SegHeads-Bench records: heads that are each there once, longer lists beginning with shorter ones."""

from __future__ import annotations

import pytest

from benchmarks.heads_bench.protocol import CHUNK, DATASETS, RUNGS, chunks, fidelity, heads
from nas.specs import Fidelity, ReferenceSpec
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.document import architecture_from_dict


def test_heads_are_different_and_a_longer_list_begins_with_a_shorter_one():
    many = heads(300)
    keys = [architecture_from_dict(head).key for head in many]
    assert len(set(keys)) == 300
    assert heads(25) == many[:25]


def test_the_random_cells_are_of_both_sizes_and_both_sets_of_operators():
    cells = [cell for cell in map(architecture_from_dict, heads(300)) if isinstance(cell, DenseCell)]
    sizes = [len(cell.branches) for cell in cells]
    assert sizes.count(5) >= 190
    assert sizes.count(3) >= 80
    assert 30 < sum(bool(cell.units) for cell in cells) < 150


def test_heads_that_are_known_are_not_measured_again():
    listed = heads(75)
    keys = [architecture_from_dict(head).key for head in listed]
    assert [(first, len(chunk)) for first, chunk in chunks(listed)] == [(0, 25), (25, 25), (50, 25)]
    left = list(chunks(listed, {*keys[:CHUNK], keys[30]}))
    assert [(first, len(chunk)) for first, chunk in left] == [(25, 24), (50, 25)]
    assert left[0][1] == [*listed[25:30], *listed[31:50]]


@pytest.mark.parametrize("count", [0, 24, 301, -25])
def test_heads_come_a_chunk_at_a_time(count):
    with pytest.raises(ValueError, match=f"must be a multiple, not {count}"):
        heads(count)


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_chunk_is_a_search_that_the_service_takes(dataset):
    at = Fidelity.model_validate(fidelity(dataset))
    assert (at.dataset, at.rungs, at.schedule.name) == (dataset, RUNGS, "per_rung")
    ReferenceSpec.model_validate({"name": "chunk", "heads": heads(25), "fidelity": at})
