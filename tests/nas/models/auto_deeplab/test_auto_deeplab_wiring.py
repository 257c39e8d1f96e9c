"""Counts cannot see how a network is wired: here it is computed once more, literally (see conftest)."""

import json
import random

import pytest
import torch

from nas.models.auto_deeplab import build_auto_deeplab
from nas.specs import NetworkSpec
from search_spaces.auto_deeplab.architecture import OPERATORS, PUBLISHED_AUTO_DEEPLAB, AutoDeepLab, Block, Edge
from search_spaces.auto_deeplab.formats import write_darts, write_tensorflow
from search_spaces.auto_deeplab.space import sample
from search_spaces.document import read_architecture, write_document

FILTERS = 2


def network(architecture, seed=0):
    """Every parameter and statistic random, so that nothing is hidden behind a 0 or a 1."""
    torch.manual_seed(seed)
    widths = NetworkSpec(filters=FILTERS, stem_channels=3, aspp_channels=4, low_level_channels=3, decoder_channels=5)
    module = build_auto_deeplab(architecture, 4, widths)
    module.double().eval()
    for name, value in module.state_dict().items():
        if name.endswith("running_var") or ("bn" in name and name.endswith("weight")):
            value.uniform_(0.5, 1.5)
        elif name.endswith(("running_mean", "bias")):
            value.normal_(std=0.5)
    return module


def largest_difference(literal_network, architecture, size, seed=0):
    module = network(architecture, seed)
    images = torch.randn(1, 3, *size, dtype=torch.float64)
    literal = literal_network(write_tensorflow(architecture), module.state_dict(), FILTERS)
    with torch.no_grad():
        ours, theirs = module(images), literal.logits(images)
    assert ours.shape == theirs.shape
    assert float(theirs.std()) > 1e-3
    return float((ours - theirs).abs().max())


def test_the_published_network(literal_network):
    assert largest_difference(literal_network, PUBLISHED_AUTO_DEEPLAB, (33, 65)) < 1e-10


@pytest.mark.parametrize("seed", range(8))
def test_networks_of_the_space(seed, literal_network):
    rng = random.Random(seed)
    architecture = sample(rng.choice([1, 2, 3]), rng.choice([1, 2, 4, 6]), rng)
    assert largest_difference(literal_network, architecture, (33, 65), seed) < 1e-10


@pytest.mark.parametrize("operator", [operator for operator in OPERATORS if operator != "none"])
def test_every_operator_on_the_way_down_and_up(operator, literal_network):
    edges = (Edge(input=0, operator=operator), Edge(input=1, operator=operator))
    inner = (Edge(input=2, operator=operator), Edge(input=0, operator="sep_3x3"))
    architecture = AutoDeepLab(blocks=(Block(edges=edges), Block(edges=inner)), path=(1, 2, 1))
    assert largest_difference(literal_network, architecture, (33, 33)) < 1e-10


ATROUS, SEPARABLE = Edge(input=1, operator="atrous_5x5"), Edge(input=0, operator="sep_3x3")
SECOND = Block(edges=(Edge(input=2, operator="sep_3x3"), ATROUS))


def test_edges_in_descending_order_keep_their_operators(literal_network):
    """The fault of a public re-implementation: operators and edges change places on rebuilding."""
    descending = AutoDeepLab(blocks=(Block(edges=(ATROUS, SEPARABLE)), SECOND), path=(0, 1))
    assert largest_difference(literal_network, descending, (33, 33)) < 1e-10
    ascending = AutoDeepLab(blocks=(Block(edges=(SEPARABLE, ATROUS)), SECOND), path=(0, 1))
    assert descending == ascending  # the order means nothing, so with weights in its order the other computes the same
    one, other = network(descending, 3), network(ascending, 5)
    places = {"edges.0.": "edges.1.", "edges.1.": "edges.0."}
    state = {}
    for name, value in one.state_dict().items():
        old = next((place for place in places if place in name), None)
        state[name if old is None else name.replace(old, places[old])] = value
    other.load_state_dict(state)
    images = torch.randn(2, 3, 33, 33, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(one(images), other(images), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "write",
    [
        lambda a: json.dumps(write_document(a)),
        lambda a: json.dumps(write_tensorflow(a)),
        lambda a: json.dumps(write_darts(a)),
    ],
    ids=["document", "tensorflow", "darts"],
)
@pytest.mark.parametrize("seed", range(3))
def test_an_export_rebuilds_the_very_same_network(tmp_path, write, seed):
    architecture = PUBLISHED_AUTO_DEEPLAB if seed == 0 else sample(3, 4, random.Random(seed))
    path = tmp_path / "architecture.json"
    path.write_text(write(architecture))
    before = network(architecture)
    after = network(read_architecture(path).architecture, 99)
    assert repr(after) == repr(before)
    after.load_state_dict(before.state_dict())
    images = torch.randn(2, 3, 33, 65, dtype=torch.float64)
    with torch.no_grad():
        assert torch.equal(after(images), before(images))


def test_the_cell_before_the_last_is_read_from_its_own_layer():
    """H^{l-2} of the first two cells is the stem's, at stride 2 and 4."""
    module = network(AutoDeepLab(blocks=(Block(edges=(ATROUS, SEPARABLE)), SECOND), path=(0, 1)))
    seen = []
    for cell in module.cells:
        cell.register_forward_pre_hook(lambda _, inputs: seen.append([tuple(x.shape) for x in inputs[:2]]))
    with torch.no_grad():
        module(torch.randn(1, 3, 65, 65, dtype=torch.float64))
    assert seen == [[(1, 6, 17, 17), (1, 3, 33, 33)], [(1, 4, 17, 17), (1, 6, 17, 17)]]
