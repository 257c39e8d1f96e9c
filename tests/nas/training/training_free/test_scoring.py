"""`score`, end to end on a tiny data set: a head on features, a head with its backbone, a whole network."""

import itertools
import math
import random
from typing import Any

import pytest
import torch

from nas.results.measurement import TrialError
from nas.specs import NetworkSpec
from nas.specs.training_free import TRAINING_FREE, TRAINING_FREE_SOURCES
from nas.training.evaluate import evaluate
from nas.training.loop.losses import SegmentationLoss, class_weights
from nas.training.prepare import prepare
from nas.training.training_free import score
from nas.training.training_free.gradients import snip
from nas.training.trial import build_loop, build_trial_network
from search_spaces.auto_deeplab.architecture import AutoDeepLab, Block, Edge
from search_spaces.auto_deeplab.space import sample
from search_spaces.dense_cell import space as dense_cell_space
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.reference.heads import MULTI_LEVEL_HEADS, reference_heads

CPU = torch.device("cpu")
HEADS = reference_heads(8)
WHOLE = sample(2, 4, random.Random(1))


@pytest.fixture(scope="module")
def trained_backbone(fidelity):
    return fidelity.model_copy(update={"backbone": fidelity.backbone.model_copy(update={"frozen": False})})


@pytest.fixture(scope="module")
def whole(fidelity):
    tiny = NetworkSpec(filters=2, stem_channels=4, aspp_channels=8, low_level_channels=4, decoder_channels=8)
    return fidelity.model_copy(update={"network": tiny})


def values(workspace, fidelity, architecture=PUBLISHED_CELL, seed=0, **options: Any):
    scored = score(architecture, fidelity, seed, workspace=workspace, device="cpu", threads=1, **options)
    assert all(proxy.seconds > 0 for proxy in scored.values())
    return {name: proxy.value for name, proxy in scored.items()}


def test_every_proxy_has_a_source_and_a_sign():
    assert tuple(TRAINING_FREE_SOURCES) == TRAINING_FREE
    assert all(source.sign in (-1, 1) and source.measures.endswith(".") for source in TRAINING_FREE_SOURCES.values())


def test_a_head_on_features(fidelity, workspace):
    first = values(workspace, fidelity)
    assert tuple(first) == TRAINING_FREE
    assert all(map(math.isfinite, first.values()))
    assert values(workspace, fidelity) == first
    other = values(workspace, fidelity, seed=1)
    same = {name for name in first if first[name] == other[name]}
    assert same == {"parameters", "multiply_adds"}  # the rest sees the initial weights


def test_a_head_with_its_backbone(fidelity, trained_backbone, workspace):
    alone, together = values(workspace, fidelity), values(workspace, trained_backbone)
    assert values(workspace, trained_backbone) == together
    assert together["parameters"] > alone["parameters"]
    assert together["multiply_adds"] > alone["multiply_adds"]
    assert together["zico"] > alone["zico"]  # the same layers and more


@pytest.mark.parametrize("head", range(len(HEADS)), ids=lambda index: HEADS[index].key[:6])
def test_every_head_that_people_made(fidelity, workspace, head):
    """Also those with attention and graphs, where SynFlow's R is no sum over paths."""
    assert all(map(math.isfinite, values(workspace, fidelity, HEADS[head]).values()))


@pytest.fixture(scope="module")
def two_levels(fidelity):
    backbone = fidelity.backbone.model_copy(update={"levels": (4, 8)})
    return fidelity.model_copy(update={"backbone": backbone, "label_stride": 4})


@pytest.mark.parametrize("head", MULTI_LEVEL_HEADS[1:], ids=lambda head: head.name)
def test_every_head_of_several_levels(two_levels, workspace, head):
    assert all(map(math.isfinite, values(workspace, two_levels, head).values()))


def test_a_linear_head_has_no_relu_to_rate(two_levels, workspace):
    with pytest.raises(TrialError, match="it has no ReLU"):
        values(workspace, two_levels, MULTI_LEVEL_HEADS[0])


def test_a_cell_with_every_operator(fidelity, workspace):
    cell = dense_cell_space.sample(5, random.Random(1), "extended")
    assert all(map(math.isfinite, values(workspace, fidelity, cell).values()))


def test_a_whole_network(whole, workspace):
    first = values(workspace, whole, WHOLE)
    assert all(map(math.isfinite, first.values()))
    assert values(workspace, whole, WHOLE) == first


@pytest.mark.parametrize("case", ["head", "backbone", "whole"])
def test_size_is_that_of_the_trial(fidelity, trained_backbone, whole, workspace, case):
    asked = {"head": fidelity, "backbone": trained_backbone, "whole": whole}[case].model_copy(update={"rungs": (1, 2)})
    architecture = WHOLE if case == "whole" else PUBLISHED_CELL
    scored = values(workspace, asked, architecture, names=("multiply_adds", "parameters"))
    measured = list(evaluate(architecture, asked, 0, workspace=workspace, device="cpu"))
    assert [(m.parameters, m.multiply_adds) for m in measured] == 2 * [(scored["parameters"], scored["multiply_adds"])]


def test_the_network_batches_and_loss_are_the_trials(fidelity, workspace):
    """SNIP by the loop that the trial runs, before its first step."""
    prepared = prepare(fidelity, workspace, device="cpu")
    loop = build_loop(build_trial_network(PUBLISHED_CELL, prepared, 3), prepared, 3, CPU)
    (batch,) = itertools.islice(loop.batches.training(0, 1), 1)
    criterion = SegmentationLoss(class_weights(prepared.class_pixels, fidelity.class_weighting))
    assert values(workspace, fidelity, seed=3, names=("snip",)) == {"snip": snip(loop.model, batch, criterion)}


def test_more_batches_change_zico_alone(fidelity, workspace):
    two, three = values(workspace, fidelity), values(workspace, fidelity, batches=3)
    assert [name for name in TRAINING_FREE if two[name] != three[name]] == ["zico"]


def test_only_what_is_asked_in_the_order_asked(fidelity, workspace):
    everything = values(workspace, fidelity)
    some = values(workspace, fidelity, names=("naswot", "parameters"), batches=1)
    assert list(some.items()) == [(name, everything[name]) for name in ("naswot", "parameters")]


def test_nothing_of_torchs_state_changes(fidelity, workspace):
    before = torch.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()
    score(PUBLISHED_CELL, fidelity, 0, workspace=workspace, device="cpu", threads=2)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()) == before[1:]


def test_in_bfloat16_only_the_features_are_rounded(fidelity, workspace):
    low = fidelity.model_copy(update={"precision": "bfloat16"})
    exact, rounded = values(workspace, fidelity), values(workspace, low)
    assert rounded["synflow"] == exact["synflow"]
    assert rounded["grad_norm"] == pytest.approx(exact["grad_norm"], rel=0.1)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"names": ("snip", "luck")}, "no training-free proxy luck; known: parameters,"),
        ({"batches": 1}, "at least 2 for parameters, .*zico, not 1"),
        ({"names": ("snip",), "batches": 0}, "at least 1 for snip, not 0"),
        ({"device": "tpu"}, "device"),
    ],
)
def test_a_users_mistakes(fidelity, workspace, options, says):
    with pytest.raises(ValueError, match=says):
        score(PUBLISHED_CELL, fidelity, 0, workspace=workspace, **({"device": "cpu"} | options))


def test_what_cannot_be_measured_ends_as_a_trial_does(fidelity, workspace):
    # 10 training images: a batch of 16 holds some of them twice.
    with pytest.raises(TrialError, match=r"naswot of this architecture is -inf.*two images"):
        values(workspace, fidelity.model_copy(update={"batch": 16}), names=("naswot",))
    both = tuple(Edge(input=source, operator="sep_3x3") for source in (0, 1))
    deep = AutoDeepLab(path=(1, 2, 3), blocks=(Block(edges=both),))
    backbone = fidelity.backbone.model_copy(update={"output_stride": 16})
    small = fidelity.model_copy(update={"crop": (32, 32), "backbone": backbone})
    with pytest.raises(TrialError, match="the network cannot be built: crop"):
        values(workspace, small, deep)
