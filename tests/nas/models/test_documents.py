"""`nas.build_head` and `nas.build_network` on what a user may have in hand."""

from __future__ import annotations

import json
import logging
import random

import pytest
import torch
import yaml

import nas
from nas.models.auto_deeplab import AutoDeepLabNetwork
from nas.models.networks import SegmentationNetwork
from nas.models.parameters import count_parameters
from nas.specs import BackboneSpec, Fidelity, HeadSpec, NetworkSpec
from search_spaces import (
    PUBLISHED_CELL,
    AutoDeepLab,
    DenseCell,
    Provenance,
    ReferenceHead,
    SymbolicReasoning,
    read_architecture,
)
from search_spaces.auto_deeplab.space import sample
from search_spaces.dense_cell.architecture import AtrousSeparable, Branch, Conv1x1, PyramidPooling
from search_spaces.document import write_document
from tests.builders import scenes_fidelity

SEARCHED = scenes_fidelity(
    150,
    300,
    backbone=BackboneSpec(blocks=5, output_stride=8),
    crop=(128, 256),
    head=HeadSpec(channels=32, dropout=0.0, rate_multiplier=1),
)
"""As examples/scenes.yaml: 32 channels at stride 8, 24 of them come in."""

CELL = DenseCell(
    branches=(
        Branch(input=-1, operator=PyramidPooling(grid=(4, 4))),
        Branch(input=0, operator=AtrousSeparable(rate=(1, 6))),
        Branch(input=-1, operator=Conv1x1()),
    )
)


def document(architecture=CELL, fidelity: Fidelity | None = SEARCHED):
    data = None if fidelity is None else fidelity.model_dump(mode="json")
    return write_document(architecture, Provenance(search="s0123456789ab", trial=3, fidelity=data))


@pytest.fixture
def best(tmp_path):
    path = tmp_path / "best.json"
    path.write_text(json.dumps(document()))
    return path


def test_the_head_is_the_one_that_was_searched(best, caplog):
    """Windows of 128x256 at stride 8 in a 4x4 grid: int(127 / 32 + 1) by int(255 / 32 + 1)."""
    head = nas.build_head(best, in_channels=24)
    assert head.get_submodule("branches.0").kernel == (4, 8)
    assert head.get_submodule("branches.1.depthwise").rate == (1, 6)
    assert head.out_channels == 32
    # pooling 24*32, separable 32*9 + 32*32, 1x1 24*32, projection 96*32; two numbers a batch norm channel
    by_hand = (24 * 32 + 64) + (32 * 9 + 64 + 32 * 32 + 64) + (24 * 32 + 64) + (96 * 32 + 64)
    assert count_parameters(head) == by_hand
    assert head(torch.randn(2, 24, 16, 32)).shape == (2, 32, 16, 32)
    assert caplog.records == []


def test_every_form_of_the_document_gives_the_same_head(best):
    parsed = json.loads(best.read_text())
    shapes = {
        tuple(tuple(p.shape) for p in nas.build_head(form, 24).parameters())
        for form in (best, str(best), parsed, read_architecture(parsed))
    }
    assert len(shapes) == 1


def test_what_is_overridden_is_said(best, caplog):
    head = nas.build_head(best, 24, channels=16, crop=(513, 513), dropout=0.0)
    assert head.out_channels == 16
    assert head.get_submodule("branches.0").kernel == (17, 17)
    (record,) = caplog.records
    assert "channels 16 instead of 32, crop [513, 513] instead of [128, 256]" in record.getMessage()
    assert "dropout" not in record.getMessage()


@pytest.mark.parametrize("source", [document(fidelity=None), CELL], ids=["document", "architecture"])
def test_without_a_fidelity_it_is_the_papers_and_said(source, caplog):
    head = nas.build_head(source, 320)
    assert head.out_channels == 256
    assert head.get_submodule("branches.0").kernel == (9, 9)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "as in the paper" in record.getMessage()


def test_the_published_cells_count_from_its_document():
    assert count_parameters(nas.build_head(PUBLISHED_CELL, 320)) == 689_600


def test_several_levels_take_a_number_each():
    levels = SEARCHED.model_copy(update={"backbone": BackboneSpec(levels=(8, 16))})
    head = nas.build_head(document(ReferenceHead(name="aspp"), levels), [24, 96])
    assert head(torch.randn(2, 24, 8, 8), torch.randn(2, 96, 4, 4)).shape == (2, 32, 8, 8)
    with pytest.raises(ValueError, match=r"reads 2 maps \(strides 8, 16\) and in_channels has 1"):
        nas.build_head(document(ReferenceHead(name="aspp"), levels), 24)
    other = nas.build_head(document(ReferenceHead(name="aspp"), levels), 24, strides=16)
    assert other(torch.randn(2, 24, 8, 8)).shape == (2, 32, 8, 8)


def test_the_network_is_the_one_that_was_searched(best, caplog):
    network = nas.build_network(best, num_classes=4)
    assert isinstance(network, SegmentationNetwork)
    assert [(level.stride, level.channels) for level in network.backbone.levels] == [(8, 32)]
    assert network.get_submodule("head.branches.0").kernel == (4, 8)
    assert network.eval()(torch.randn(1, 3, 64, 96)).shape == (1, 4, 8, 12)
    assert caplog.records == []
    nas.build_network(best, 4, backbone=BackboneSpec(width=0.25))
    assert 'backbone {"width": 0.25} instead of {"blocks": 5, "output_stride": 8}' in caplog.records[0].getMessage()


def test_a_whole_network_takes_its_widths_from_the_document(caplog):
    fidelity = scenes_fidelity(7, 9, network=NetworkSpec(filters=4, drop_path=0.2), crop=(64, 64))
    searched = document(sample(2, 4, random.Random(1)), fidelity)
    network = nas.build_network(searched, 5)
    assert isinstance(network, AutoDeepLabNetwork)
    assert (network.drop_path.drop, network.drop_path.iterations) == (0.2, 9)
    assert network.cells.get_submodule("0").out_channels == 2 * 4 * network.strides[0] // 4
    assert caplog.records == []


WRONG = [
    (5, "not int"),
    (None, "not NoneType"),
    (torch.nn.Identity(), "not Identity: it is a network already"),
    ({"name": "demo", "fidelity": {"dataset": "scenes"}}, "a search or a fidelity"),
    (scenes_fidelity(), "not Fidelity"),
    ("no/such.json", "no/such.json: cannot be read"),
    (sample(2, 4, random.Random(1)), "nas.build_network builds it"),
]


@pytest.mark.parametrize(("source", "sentence"), WRONG)
def test_what_is_no_head_is_refused_in_a_sentence(source, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        nas.build_head(source, 8)
    assert "\n" not in str(refused.value)
    if not isinstance(source, AutoDeepLab):
        with pytest.raises(ValueError, match=sentence):
            nas.build_network(source, 8)


def test_places_that_are_no_architecture(tmp_path, best):
    with pytest.raises(ValueError, match="is a folder; an architecture is a JSON file"):
        nas.build_head(tmp_path, 8)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match=r"nas\.load_network reads; its architecture is .*architecture\.json"):
        nas.build_head(tmp_path, 8)
    with pytest.raises(ValueError, match="holds weights"):
        nas.build_network(tmp_path / "model.safetensors", 8)
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump({"name": "x"}))
    with pytest.raises(ValueError, match="is YAML, as searches are"):
        nas.build_head(tmp_path / "spec.yaml", 8)


@pytest.mark.parametrize("channels", [0, -3, 2.5, "24", True, [], [24, 0], None])
def test_channels_that_are_no_number(best, channels):
    with pytest.raises(ValueError, match="in_channels is a whole number of at least 1, or a list"):
        nas.build_head(best, channels)


def test_values_that_do_not_fit(best):
    with pytest.raises(ValueError, match="num_classes is a whole number of at least 1; 0 is not"):
        nas.build_network(best, 0)
    with pytest.raises(ValueError, match="dropout"):
        nas.build_head(best, 24, dropout=2.0)
    with pytest.raises(ValueError, match=r"crop is \(height, width\)"):
        nas.build_head(best, 24, crop=128)  # type: ignore[arg-type]  # as a user might
    with pytest.raises(ValueError, match="knowledge graph"):
        nas.build_head(document(DenseCell(branches=(Branch(input=-1, operator=SymbolicReasoning(steps=1)),))), 24)
    broken = document()
    broken["provenance"]["fidelity"]["crop"] = [5, 5]
    with pytest.raises(ValueError, match=r"provenance\.fidelity of the document is not one .*crop"):
        nas.build_head(broken, 24)
