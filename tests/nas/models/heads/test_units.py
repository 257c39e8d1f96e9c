"""Trunk heads and cells with units of global reasoning: what they are built of, what they cost, how they run."""

import functools
import random
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from nas.models.complexity import multiply_adds
from nas.models.graph_reasoning import (
    ConstantContext,
    DoubleAttention,
    GloRe,
    GraphConvolutionUnit,
    NonLocal,
    SymbolicGraphReasoning,
    shipped_graph,
)
from nas.models.heads import units as unit_modules
from nas.models.heads.build import needs_knowledge
from nas.models.networks import build_network
from nas.models.parameters import count_parameters, parameter_groups
from nas.specs import BackboneSpec, HeadSpec
from search_spaces import units
from search_spaces.dense_cell.architecture import EXTENDED_OPERATORS, PUBLISHED_CELL, Branch, DenseCell
from search_spaces.dense_cell.space import sample
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.reference.heads import REFERENCE_HEADS, reference_heads
from search_spaces.text import architecture_text
from tests.nas.models.one_map import build_head

GRAPH = shipped_graph("cityscapes")
MODULES = {
    units.DoubleAttention: DoubleAttention,
    units.GloRe: GloRe,
    units.SymbolicReasoning: SymbolicGraphReasoning,
    units.GraphConvolution: GraphConvolutionUnit,
    units.ConstantContext: ConstantContext,
    units.NonLocal: NonLocal,
}
every_reference = pytest.mark.parametrize("head", reference_heads(16), ids=architecture_text)
every_extension = pytest.mark.parametrize(
    "operator",
    EXTENDED_OPERATORS[81:],
    ids=lambda operator: architecture_text(DenseCell(branches=(Branch(input=-1, operator=operator),))),
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(5)


def chain(operator) -> DenseCell:
    """The operator on F, the operator on a branch, and another branch that reads that one."""
    conv = EXTENDED_OPERATORS[0]
    return DenseCell(
        branches=(
            Branch(input=-1, operator=operator),
            Branch(input=0, operator=operator),
            Branch(input=1, operator=conv),
        )
    )


def wake(module: nn.Module) -> nn.Module:
    """Batch norms that start at zero hide their unit; let it show."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
    return module


def gradients(module: nn.Module) -> Iterator[torch.Tensor]:
    """Of every parameter; each has one."""
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        yield parameter.grad


def test_every_unit_has_its_module():
    for description in units.UNITS:
        unit = unit_modules.build_unit(description(), 8, knowledge=GRAPH, bn_momentum=0.25)
        assert type(unit) is MODULES[description]
        assert all(
            layer.momentum == 0.25 for layer in unit.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
        )


def test_parameters_reach_the_modules():
    build = unit_modules.build_unit
    assert build(units.DoubleAttention(maps=5), 8).get_submodule("theta").out_channels == 5
    assert build(units.GloRe(nodes=5), 8).get_submodule("theta").out_channels == 5
    assert build(units.GraphConvolution(vertices=5), 8).centres.shape == (5, 8)
    assert build(units.GraphConvolution(assignment="dot"), 8).sigma is None
    steps = build(units.SymbolicReasoning(steps=3), 8, knowledge=GRAPH).reason
    assert isinstance(steps, nn.ModuleList)
    assert len(steps) == 3
    assert build(units.SymbolicReasoning(mapping="drawn"), 8, knowledge=GRAPH).query is None
    ablated = build(units.SymbolicReasoning(graph="identity"), 8, knowledge=GRAPH)
    assert torch.equal(ablated.get_buffer("adjacency"), torch.eye(27, dtype=torch.float64))


def test_the_trunk_by_hand():
    """3x3 to the width, the unit, 3x3, 1x1: parameters with batch norm's two per channel."""
    trunk = 9 * 320 * 512 + 9 * 512 * 512 + 512 * 256 + 2 * (512 + 512 + 256)
    assert count_parameters(build_head(ReferenceHead(name="trunk"), 320)) == trunk
    with_glore = build_head(ReferenceHead(name="trunk", unit=units.GloRe()), 320)
    assert count_parameters(with_glore) == trunk + 185_600
    assert [name for name, _ in with_glore.named_children()] == ["enter", "unit", "leave", "project", "dropout"]


def test_at_first_glore_leaves_its_trunk_as_it_is():
    """Its batch norm starts at zero."""
    with_unit = build_head(ReferenceHead(name="trunk", width=16, unit=units.GloRe()), 4, channels=8).eval()
    without = build_head(ReferenceHead(name="trunk", width=16), 4, channels=8).eval()
    without.load_state_dict({k: v for k, v in with_unit.state_dict().items() if not k.startswith("unit.")})
    x = torch.randn(2, 4, 6, 9)
    assert torch.equal(with_unit(x), without(x))
    assert not torch.equal(wake(with_unit).eval()(x), without(x))


P, C, M, D = 6 * 10, 16, 27, 8
BY_HAND = {
    units.DoubleAttention(maps=32): P * (3 * C * 32 + 32 * C) + 2 * P * 32 * 32,
    units.GloRe(nodes=32): P * (C * 32 + C * 64 + 64 * C) + 2 * P * 32 * 64 + 64 * 32 * 32 + 32 * 64 * 64,
    units.GraphConvolution(vertices=4): 4 * P * 4 * C + 2 * 4 * 4 * C + 4 * C * C,
    units.SymbolicReasoning(steps=2): (
        P * (C * M + C * D + C * D)  # votes, embedding, queries
        + P * (M * D + M * D + M * C)  # gathering, attention, reading
        + 2 * (M * M * D + M * D * D)  # two steps
        + M * D * D + M * D * C  # keys, extension
    ),
    units.ConstantContext(): C * C,
    units.NonLocal(): P * (3 * C * D + D * C) + 2 * P * P * D,
}  # fmt: skip
"""Multiply-adds on one map of 6x10 and 16 channels; Cityscapes' graph has 27 nodes."""


@pytest.mark.parametrize("unit", BY_HAND, ids=lambda unit: unit.op)
def test_multiply_adds_by_hand(unit):
    trunk = P * (9 * 5 * C + 9 * C * C + C * 7)
    head = build_head(ReferenceHead(name="trunk", width=C, unit=unit), 5, channels=7, knowledge=GRAPH)
    assert multiply_adds(head, [(5, 6, 10)]) == trunk + BY_HAND[unit]
    cell = P * 5 * C + 2 * BY_HAND[unit] + P * C * C + P * 3 * C * C
    assert multiply_adds(build_head(chain(unit), 5, channels=C, knowledge=GRAPH), [(5, 6, 10)]) == cell


def test_on_features_a_unit_stands_behind_a_1x1_and_on_a_branch_alone():
    head = build_head(chain(units.GloRe(nodes=32)), 16, channels=16)
    on_features, on_branch, _ = head.get_submodule("branches").children()
    assert [type(part).__name__ for part in on_features.children()] == ["ConvBNReLU", "GloRe"]
    assert type(on_branch) is GloRe


@every_reference
def test_a_reference_head_learns_in_every_parameter(head):
    module = wake(build_head(head, 6, channels=8, crop=(96, 128), output_stride=8, knowledge=GRAPH, rate_multiplier=1))
    y = module.train()(torch.randn(3, 6, 12, 16))
    assert y.shape == (3, 8, 12, 16)
    assert module.out_channels == 8
    y.square().sum().backward()
    assert all(torch.isfinite(gradient).all() for gradient in gradients(module))
    assert all(gradient.abs().sum() > 0 for gradient in gradients(module) if gradient.dim() > 1)


@every_extension
def test_an_operator_of_the_extension_learns_in_every_parameter(operator):
    module = wake(build_head(chain(operator), 6, channels=8, knowledge=GRAPH)).train()
    y = module(torch.randn(3, 6, 9, 11))
    assert y.shape == (3, 8, 9, 11)
    y.square().sum().backward()
    assert all(torch.isfinite(gradient).all() for gradient in gradients(module))
    assert all(gradient.abs().sum() > 0 for gradient in gradients(module) if gradient.dim() > 1)


@every_extension
def test_bfloat16_autocast_is_finite_at_128x256_forward_and_backward(operator):
    head = wake(build_head(chain(operator), 6, channels=8, knowledge=GRAPH)).train()
    # Non-local is quadratic in pixels: 2,048 of them are enough on a CPU.
    x = torch.randn(1, 6, 32, 64) if operator == units.NonLocal() else torch.randn(1, 6, 128, 256)
    with torch.autocast("cpu", torch.bfloat16):
        y = head(x)
    assert torch.isfinite(y).all()
    y.float().square().mean().backward()
    assert all(torch.isfinite(gradient).all() for gradient in gradients(head))


@every_reference
def test_bfloat16_agrees_with_float32_within_its_precision(head):
    module = wake(build_head(head, 6, channels=8, crop=(128, 256), output_stride=8, knowledge=GRAPH)).eval()
    x = torch.randn(2, 6, 16, 32)
    with torch.inference_mode():
        exact = module(x)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = module(x)
    torch.testing.assert_close(rounded.float(), exact, rtol=0.1, atol=0.1)


def test_only_symbolic_reasoning_needs_knowledge():
    symbolic = ReferenceHead(name="trunk", unit=units.SymbolicReasoning())
    assert [head for head in REFERENCE_HEADS if needs_knowledge(head)] == [symbolic]
    assert needs_knowledge(chain(units.SymbolicReasoning(steps=1)))
    for head in (symbolic, chain(units.SymbolicReasoning(steps=1))):
        with pytest.raises(ValueError, match="needs a knowledge graph of the classes: pass knowledge=") as caught:
            build_head(head, 8)
        assert "\n" not in str(caught.value)
        assert build_head(head, 8, knowledge=GRAPH).out_channels == 256


def test_a_whole_network_takes_the_knowledge():
    symbolic = chain(units.SymbolicReasoning(steps=2))
    build = functools.partial(build_network, symbolic, 19, backbone=BackboneSpec(width=0.25), head=HeadSpec(channels=8))
    network = build(knowledge=GRAPH).eval()
    assert network(torch.randn(1, 3, 64, 64)).shape == (1, 19, 4, 4)
    with pytest.raises(ValueError, match="needs a knowledge graph"):
        build()


def test_the_knowledge_changes_no_weight_and_no_plain_head():
    def weights(architecture, knowledge=None) -> list[torch.Tensor]:
        torch.manual_seed(1)
        return [p.detach() for p in build_head(architecture, 6, channels=8, knowledge=knowledge).parameters()]

    assert all(map(torch.equal, weights(PUBLISHED_CELL), weights(PUBLISHED_CELL, knowledge=GRAPH)))


def test_weight_decay_touches_layers_weights_only():
    head = build_head(ReferenceHead(name="trunk", width=8, unit=units.GraphConvolution()), 6, channels=8)
    decayed = {id(p) for p in parameter_groups(head, 1e-4)[0]["params"]}
    names = {name for name, p in head.named_parameters() if id(p) in decayed}
    assert names == {"enter.conv.weight", "unit.update.weight", "leave.conv.weight", "project.conv.weight"}


def test_drawn_extended_cells_build_and_run():
    rng = random.Random(4)
    for _ in range(10):
        cell = sample(5, rng, "extended")
        head = build_head(cell, 6, channels=8, crop=(96, 128), output_stride=8, knowledge=GRAPH)
        assert torch.isfinite(head(torch.randn(2, 6, 12, 16))).all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@every_extension
def test_cuda_agrees_with_the_cpu(operator):
    head = wake(build_head(chain(operator), 6, channels=8, knowledge=GRAPH)).double().eval()
    x = torch.randn(2, 6, 9, 11, dtype=torch.float64)
    torch.testing.assert_close(head(x), head.cuda()(x.cuda()).cpu(), rtol=0, atol=1e-10)
