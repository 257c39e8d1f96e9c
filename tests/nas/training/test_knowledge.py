"""Heads that reason over a knowledge graph: which graph it is, and that training, export and rebuilding agree on it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nas.models.graph_reasoning import SymbolicGraphReasoning, cooccurrence_graph, shipped_graph
from nas.training.evaluate import evaluate
from nas.training.knowledge import class_graph
from nas.training.prepare import prepare
from nas.training.retrain import retrain
from nas.training.retrained import load_retrained
from nas.training.trial import build_trial_network
from search_spaces.dense_cell.architecture import EXTENDED_OPERATORS, Branch, DenseCell
from search_spaces.document import read_architecture, write_document
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.units import SymbolicReasoning

TRUNK = ReferenceHead(name="trunk", width=8, unit=SymbolicReasoning())
CELL = DenseCell(
    branches=(
        Branch(input=-1, operator=SymbolicReasoning(steps=1)),
        Branch(input=0, operator=EXTENDED_OPERATORS[85]),
        Branch(input=0, operator=SymbolicReasoning(steps=2)),
    )
)


@pytest.fixture
def renamed(workspace):
    """The tiny data set under class names of which no hierarchy is shipped."""
    dataset = workspace.dataset("tiny")
    return replace(dataset, class_names=tuple(f"class {index}" for index in range(dataset.num_classes)))


def test_cityscapes_classes_have_their_hierarchy(workspace, tmp_path):
    graph = class_graph(workspace.dataset("tiny"), 3, tmp_path / "never made")
    assert graph.names == shipped_graph("cityscapes").names
    assert not (tmp_path / "never made").exists()


def test_other_classes_have_their_cooccurrence_over_the_training_images_used(renamed, tmp_path, monkeypatch):
    graph = class_graph(renamed, 3, tmp_path)
    maps = [renamed.split("train").load(index)[1] for index in range(3)]
    assert np.array_equal(graph.adjacency, cooccurrence_graph(renamed.class_names, maps).adjacency)
    assert graph.names == renamed.class_names
    assert graph.adjacency[0, 10] == 1  # road and sky are in every image
    monkeypatch.setattr("nas.data.dataset.read_label_values", None)  # the maps are not read again
    assert np.array_equal(class_graph(renamed, 3, tmp_path).adjacency, graph.adjacency)
    with pytest.raises(TypeError):
        class_graph(renamed, 4, tmp_path)


def adjacencies(network):
    return [m.adjacency for m in network.modules() if isinstance(m, SymbolicGraphReasoning)]


def test_a_trials_network_reasons_over_the_classes_of_its_data(fidelity, workspace, renamed):
    prepared = prepare(fidelity, workspace, device="cpu")
    expected = torch.from_numpy(shipped_graph("cityscapes").normalized())
    found = adjacencies(build_trial_network(CELL, prepared, 0))
    assert len(found) == 2
    assert all(torch.equal(adjacency, expected) for adjacency in found)
    ablated = TRUNK.model_copy(update={"unit": SymbolicReasoning(graph="identity")})
    assert torch.equal(adjacencies(build_trial_network(ablated, prepared, 0))[0], torch.eye(27, dtype=torch.float64))
    elsewhere = replace(prepared, dataset=renamed)
    assert adjacencies(build_trial_network(TRUNK, elsewhere, 0))[0].shape == (19, 19)


@pytest.mark.parametrize("architecture", [TRUNK, CELL], ids=["trunk", "cell"])
def test_exported_measured_and_rebuilt_it_is_the_same_network(architecture, fidelity, workspace, tmp_path):
    document = read_architecture(write_document(architecture))
    short = fidelity.model_copy(update={"rungs": (5, 9)})
    retrained = retrain(document, short, workspace, tmp_path, device="cpu")
    measured = list(evaluate(architecture, short, 0, workspace=workspace, device="cpu"))
    assert [m.score for m in measured] == [m.score for m in retrained]
    loaded = load_retrained(tmp_path)
    again = build_trial_network(
        read_architecture(tmp_path / "architecture.json").architecture, prepare(short, workspace, device="cpu"), 0
    ).eval()
    assert loaded.state_dict().keys() == again.state_dict().keys()
    again.load_state_dict(loaded.state_dict())
    images = torch.randn(1, 3, 64, 128)
    with torch.inference_mode():
        assert torch.equal(loaded(images), again(images))
    assert all(map(torch.equal, adjacencies(loaded), adjacencies(again)))
