"""Whole networks: backbone, head and biased 1x1 logits."""

from __future__ import annotations

from torch import Tensor, nn

from nas.models.backbone_base import Backbone
from nas.models.backbones import build_backbone
from nas.models.heads import build_head
from nas.models.layers import BN_MOMENTUM, init_truncated_normal
from nas.spec import BackboneSpec, HeadSpec
from search_spaces.document import Architecture

LOGITS_STD = 0.01
"""Standard deviation of the initial logit weights (TensorFlow DeepLab); biases start at zero."""


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


def build_classifier(head: nn.Module, num_classes: int) -> nn.Conv2d:
    """Biased 1x1 logits behind `head`. ValueError unless num_classes >= 1."""
    if num_classes < 1:
        raise ValueError(f"num_classes must be at least 1, not {num_classes}")
    assert isinstance(head.out_channels, int)
    classifier = nn.Conv2d(head.out_channels, num_classes, 1)
    init_truncated_normal(classifier.weight, LOGITS_STD)
    assert classifier.bias is not None
    nn.init.zeros_(classifier.bias)
    return classifier


def build_classifier_head(  # noqa: PLR0917  each of the six is needed, and none has a default
    architecture: Architecture,
    in_channels: int,
    num_classes: int,
    head: HeadSpec,
    output_stride: int,
    crop: tuple[int, int],
    *,
    bn_momentum: float = BN_MOMENTUM,
) -> HeadWithClassifier:
    """Head and logits for features of `in_channels` at `output_stride`; `crop` (height, width) in pixels."""
    module = build_head(
        architecture,
        in_channels,
        channels=head.channels,
        dropout=head.dropout,
        output_stride=output_stride,
        crop=crop,
        rate_multiplier=head.rate_multiplier,
        bn_momentum=bn_momentum,
    )
    return HeadWithClassifier(module, build_classifier(module, num_classes))


def build_network(
    architecture: Architecture,
    num_classes: int,
    *,
    backbone: BackboneSpec | None = None,
    head: HeadSpec | None = None,
    crop: tuple[int, int] = (513, 513),
    bn_momentum: float = BN_MOMENTUM,
) -> SegmentationNetwork:
    """The whole network of an architecture, randomly initialised.

    Defaults: MobileNet-v2 at output stride 16, 256 filters. ValueError where the backbone cannot reach its output
    stride. The backbone's own weights: `load_backbone_weights(network.backbone, path)`.
    """
    backbone = backbone or BackboneSpec()
    features = build_backbone(backbone)
    part = build_classifier_head(
        architecture,
        features.out_channels,
        num_classes,
        head or HeadSpec(),
        features.output_stride,
        crop,
        bn_momentum=bn_momentum,
    )
    return SegmentationNetwork(features, part.head, part.classifier)
