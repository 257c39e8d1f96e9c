import pytest
import torch
from torch import nn

from nas.models.backbones.base import Level
from nas.models.graph_reasoning import shipped_graph
from nas.models.networks import SegmentationNetwork, build_classifier_head, build_network
from nas.models.parameters import count_parameters
from nas.specs import BackboneSpec, HeadSpec, NetworkSpec
from search_spaces.auto_deeplab.architecture import PUBLISHED_AUTO_DEEPLAB
from search_spaces.dense_cell.architecture import PUBLISHED_CELL
from search_spaces.document import Architecture
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.reference.heads import REFERENCE_HEADS


def test_published_cell_with_19_biased_logits():
    module = build_classifier_head(PUBLISHED_CELL, [Level(16, 320)], 19, HeadSpec(), (513, 513))
    assert count_parameters(module) == 694_483
    assert count_parameters(module.head) == 689_600


def test_a_network_is_backbone_head_and_logits():
    network = build_network(
        PUBLISHED_CELL, 7, backbone=BackboneSpec(width=0.25, blocks=5, output_stride=8), head=HeadSpec(channels=16)
    ).eval()
    images = torch.randn(2, 3, 64, 96)
    logits = network(images)
    assert logits.shape == (2, 7, 8, 12)
    assert isinstance(network, SegmentationNetwork)
    torch.testing.assert_close(logits, network.classifier(network.head(*network.backbone(images))))
    assert {name.split(".")[0] for name, _ in network.named_parameters()} == {"backbone", "head", "classifier"}
    # The multiplier of output stride 8 reached the head.
    assert network.get_submodule("head.branches.0.depthwise").rate == (2, 12)


def test_defaults_are_mobilenet_at_stride_16_with_256_filters():
    network = build_network(ReferenceHead(name="conv1x1"), 19)
    assert isinstance(network, SegmentationNetwork)
    assert network.backbone.levels == (Level(16, 320),)
    assert network.head.out_channels == 256


def test_head_specs_reach_the_head():
    spec = HeadSpec(channels=8, dropout=0.25, rate_multiplier=3, bn_momentum=0.02)
    module = build_classifier_head(PUBLISHED_CELL, [Level(8, 4)], 5, spec, (64, 64))
    assert module.get_submodule("head.dropout").p == 0.25
    assert module.get_submodule("head.branches.0.depthwise").rate == (3, 18)
    assert module.get_submodule("head.project.bn").momentum == 0.02
    assert module(torch.randn(2, 4, 8, 8)).shape == (2, 5, 8, 8)


def momenta(module: nn.Module) -> set[float | None]:
    return {layer.momentum for layer in module.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)}


@pytest.mark.parametrize("architecture", [*REFERENCE_HEADS, PUBLISHED_AUTO_DEEPLAB])
def test_the_momentum_reaches_every_batch_norm(architecture: Architecture):
    """Also those of the backbone; at the default the backbone keeps its own."""
    body = BackboneSpec(width=0.25, output_stride=16)
    sizes = {"aspp_channels": 8, "decoder_channels": 8, "low_level_channels": 4, "stem_channels": 4, "filters": 2}
    graph = shipped_graph("cityscapes")
    network = build_network(
        architecture,
        19,
        backbone=body,
        head=HeadSpec(channels=8, bn_momentum=0.0003),
        network=NetworkSpec(bn_momentum=0.0003, **sizes),
        knowledge=graph,
    )
    assert momenta(network) == {0.0003}
    plain = build_network(
        architecture, 19, backbone=body, head=HeadSpec(channels=8), network=NetworkSpec(**sizes), knowledge=graph
    )
    assert momenta(plain) == {0.1}


def test_the_features_of_a_bank_and_the_whole_network_give_the_same_logits():
    spec, head = BackboneSpec(width=0.25, blocks=5, output_stride=8), HeadSpec(channels=8)
    network = build_network(PUBLISHED_CELL, 5, backbone=spec, head=head, crop=(64, 64)).eval()
    assert isinstance(network, SegmentationNetwork)
    alone = build_classifier_head(PUBLISHED_CELL, network.backbone.levels, 5, head, (64, 64)).eval()
    alone.head.load_state_dict(network.head.state_dict())
    alone.classifier.load_state_dict(network.classifier.state_dict())
    images = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(alone(*network.backbone(images)), network(images))


def test_the_same_seed_gives_the_same_network():
    def weights() -> torch.Tensor:
        torch.manual_seed(11)
        network = build_network(PUBLISHED_CELL, 5, backbone=BackboneSpec(width=0.25), head=HeadSpec(channels=8))
        return torch.cat([p.flatten() for p in network.parameters()])

    assert torch.equal(weights(), weights())


def test_num_classes_must_be_positive():
    with pytest.raises(ValueError, match="num_classes must be at least 1"):
        build_network(PUBLISHED_CELL, 0, backbone=BackboneSpec(width=0.25))


def test_bfloat16_autocast_of_a_whole_network_is_finite():
    network = build_network(PUBLISHED_CELL, 5, backbone=BackboneSpec(width=0.25), head=HeadSpec(channels=8))
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(torch.randn(2, 3, 128, 128))
    assert torch.isfinite(logits).all()
    logits.float().square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
