"""Whole networks: backbone, head and biased 1x1 logits."""

from __future__ import annotations

from typing import TypeAlias, TypeGuard

from torch import Tensor, nn

from nas.models.auto_deeplab import AutoDeepLabNetwork, build_auto_deeplab
from nas.models.backbones.base import Backbone
from nas.models.backbones.build import build_backbone
from nas.models.graph_reasoning import KnowledgeGraph
from nas.models.heads.build import build_head
from nas.models.layers.conv import BN_MOMENTUM, build_logits
from nas.specs import BackboneSpec, HeadSpec, NetworkSpec
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.document import Architecture


class HeadWithClassifier(nn.Module):
    """What a trial on cached features trains: (N, in, H, W) -> logits (N, classes, H, W)."""

    def __init__(self, head: nn.Module, classifier: nn.Module) -> None:
        super().__init__()
        self.head = head
        self.classifier = classifier

    def forward(self, features: Tensor) -> Tensor:
        """Logits at the resolution of the features."""
        logits: Tensor = self.classifier(self.head(features))
        return logits


class SegmentationNetwork(nn.Module):
    """Images (N, 3, H, W), normalised -> logits (N, classes, H / stride, W / stride), sizes rounded up."""

    def __init__(self, backbone: Backbone, head: nn.Module, classifier: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.classifier = classifier

    def forward(self, images: Tensor) -> Tensor:
        """Logits at feature resolution; the caller resizes."""
        logits: Tensor = self.classifier(self.head(self.backbone(images)))
        return logits


Network: TypeAlias = SegmentationNetwork | AutoDeepLabNetwork
"""Images, normalised -> logits at some stride; the last layer is `classifier`."""


def is_network(architecture: Architecture) -> TypeGuard[AutoDeepLab]:
    """Whether an architecture is a whole network, with nothing of a backbone under it."""
    return isinstance(architecture, AutoDeepLab)


def build_classifier_head(  # noqa: PLR0917  each of the six is needed, and none has a default
    architecture: Architecture,
    in_channels: int,
    num_classes: int,
    head: HeadSpec,
    output_stride: int,
    crop: tuple[int, int],
    *,
    bn_momentum: float = BN_MOMENTUM,
    knowledge: KnowledgeGraph | None = None,
) -> HeadWithClassifier:
    """Head and logits for features of `in_channels` at `output_stride`; `crop` (height, width) in pixels.

    `knowledge` and ValueError as in `build_head`.
    """
    module = build_head(
        architecture,
        in_channels,
        channels=head.channels,
        dropout=head.dropout,
        output_stride=output_stride,
        crop=crop,
        rate_multiplier=head.rate_multiplier,
        bn_momentum=bn_momentum,
        knowledge=knowledge,
    )
    assert isinstance(module.out_channels, int)
    return HeadWithClassifier(module, build_logits(module.out_channels, num_classes))


def build_network(
    architecture: Architecture,
    num_classes: int,
    *,
    backbone: BackboneSpec | None = None,
    head: HeadSpec | None = None,
    network: NetworkSpec | None = None,
    crop: tuple[int, int] = (513, 513),
    iterations: int = 1,
    bn_momentum: float = BN_MOMENTUM,
    knowledge: KnowledgeGraph | None = None,
) -> Network:
    """The whole network of an architecture, randomly initialised.

    Of a head: on a backbone, by default MobileNet-v2 at output stride 16, with 256 filters; ValueError where the
    backbone cannot reach its output stride, or where a head that reasons over a knowledge graph has no `knowledge`.
    The backbone's own weights: `load_backbone_weights(network.backbone, path)`. Of an architecture that is a whole
    network (auto_deeplab): as `network` says, by default with 20 filters; `backbone` and `head` are not read.
    ValueError where `crop` (height, width in pixels) does not fit. `iterations` is the length of the training, over
    which a whole network's dropped paths are scheduled.
    """
    if is_network(architecture):
        spec = network or NetworkSpec()
        return build_auto_deeplab(
            architecture,
            num_classes,
            filters=spec.filters,
            stem_channels=spec.stem_channels,
            aspp_channels=spec.aspp_channels,
            low_level_channels=spec.low_level_channels,
            decoder_channels=spec.decoder_channels,
            dropout=spec.dropout,
            drop_path_keep=1 - spec.drop_path,
            total_iterations=iterations,
            crop=crop,
            bn_momentum=bn_momentum,
        )
    features = build_backbone(backbone or BackboneSpec())
    part = build_classifier_head(
        architecture,
        features.out_channels,
        num_classes,
        head or HeadSpec(),
        features.output_stride,
        crop,
        bn_momentum=bn_momentum,
        knowledge=knowledge,
    )
    return SegmentationNetwork(features, part.head, part.classifier)
