"""Every head that a reference search measures, and a cell with every unit, through a whole trial."""

import pytest
import torch

from nas.models.heads.decoder import DecodedHead
from nas.models.networks import SegmentationNetwork
from nas.models.parameters import count_parameters
from nas.results.measurement import Measurement, TrialError
from nas.specs import DecoderSpec
from nas.training.evaluate import evaluate
from nas.training.retrain import retrain
from nas.training.retrained import load_retrained
from search_spaces.dense_cell.architecture import EXTENDED_OPERATORS, PUBLISHED_CELL, Branch, DenseCell
from search_spaces.document import ArchitectureDocument
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.reference.heads import MULTI_LEVEL_HEADS, reference_heads
from search_spaces.text import architecture_text

ALL_UNITS = DenseCell(
    branches=tuple(Branch(input=index % 2 - 1, operator=op) for index, op in enumerate(EXTENDED_OPERATORS[81:]))
)


def costs(measurement: Measurement) -> tuple[int, int]:
    """(parameters, multiply-adds), which every new measurement has."""
    assert measurement.parameters is not None
    assert measurement.multiply_adds is not None
    return measurement.parameters, measurement.multiply_adds


@pytest.mark.parametrize("head", [*reference_heads(16), ALL_UNITS], ids=lambda head: architecture_text(head)[:30])
def test_a_trial_of_it(head, fidelity, workspace):
    short = fidelity.model_copy(update={"rungs": (4, 12)})
    measured = list(evaluate(head, short, 0, workspace=workspace, device="cpu"))
    assert [m.iteration for m in measured] == [4, 12]
    assert measured[1].train_loss < measured[0].train_loss
    assert all(count > 0 for count in costs(measured[1]))


@pytest.fixture(scope="module")
def two_levels(fidelity):
    backbone = fidelity.backbone.model_copy(update={"levels": (4, 8)})
    return fidelity.model_copy(update={"backbone": backbone, "label_stride": 4, "rungs": (4, 12)})


ON_LEVELS = [
    *MULTI_LEVEL_HEADS,
    ReferenceHead(name="linear"),
    ReferenceHead(name="aspp_separable", channels=4),
    ReferenceHead(name="upernet", channels=4),
]


@pytest.mark.parametrize("head", ON_LEVELS, ids=architecture_text)
def test_a_trial_on_two_levels(head, two_levels, workspace):
    measured = list(evaluate(head, two_levels, 0, workspace=workspace, device="cpu"))
    assert [m.iteration for m in measured] == [4, 12]
    assert measured[1].train_loss < measured[0].train_loss
    assert all(count > 0 for count in costs(measured[1]))
    again = list(evaluate(head, two_levels, 0, workspace=workspace, device="cpu"))
    assert [m.score for m in again] == [m.score for m in measured]


@pytest.mark.parametrize("head", [PUBLISHED_CELL, ReferenceHead(name="aspp")], ids=architecture_text)
def test_a_trial_with_a_decoder(head, two_levels, workspace):
    decoder = DecoderSpec(low_level_channels=4, channels=8)
    decoded = two_levels.model_copy(update={"head": two_levels.head.model_copy(update={"decoder": decoder})})
    measured = list(evaluate(head, decoded, 0, workspace=workspace, device="cpu"))
    assert measured[1].train_loss < measured[0].train_loss


@pytest.mark.parametrize("head", [ReferenceHead(name="fpn", channels=4), ReferenceHead(name="linear_levels")])
def test_a_retrained_network_is_loaded_with_its_levels_and_decoder(head, two_levels, workspace, tmp_path):
    three = two_levels.backbone.model_copy(update={"levels": (4, 8, 16), "blocks": 9, "output_stride": 16})
    decoder = DecoderSpec(low_level_channels=4, channels=8)
    changes = {"backbone": three, "head": two_levels.head.model_copy(update={"decoder": decoder}), "rungs": (2,)}
    document = ArchitectureDocument(kind="reference_head", architecture=head)
    (measured,) = retrain(document, two_levels.model_copy(update=changes), workspace, tmp_path, device="cpu")
    network = load_retrained(tmp_path)
    assert isinstance(network, SegmentationNetwork)
    assert isinstance(network.head, DecodedHead)
    assert measured.parameters == count_parameters(network.head) + count_parameters(network.classifier)
    assert network(torch.randn(1, 3, 64, 128)).shape == (1, 19, 16, 32)


def test_too_few_levels_end_a_trial_with_a_sentence(fidelity, workspace):
    with pytest.raises(TrialError, match="the head cannot be built: segformer reads several feature maps"):
        list(evaluate(ReferenceHead(name="segformer"), fidelity, 0, workspace=workspace, device="cpu"))


def test_a_unit_costs_more_than_its_bare_trunk(fidelity, workspace):
    short = fidelity.model_copy(update={"rungs": (2,)})
    bare, *with_unit = (
        next(iter(evaluate(head, short, 0, workspace=workspace, device="cpu"))) for head in reference_heads(16)[4:]
    )
    parameters, multiply_adds = costs(bare)
    assert all(costs(m)[0] > parameters for m in with_unit)
    assert all(costs(m)[1] > multiply_adds for m in with_unit)
