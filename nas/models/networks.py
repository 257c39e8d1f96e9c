"""Entire networks, from images to logits: backbone, head and biased 1x1 logits, or a searched network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeGuard

from torch import Tensor, nn

from nas.models.auto_deeplab import AutoDeepLabNetwork, build_auto_deeplab
from nas.models.backbones.base import Backbone, Level
from nas.models.backbones.build import build_backbone
from nas.models.graph_reasoning import KnowledgeGraph
from nas.models.heads.build import build_head
from nas.models.heads.setting import HeadSetting
from nas.models.layers.conv import BN_MOMENTUM, build_logits, set_bn_momentum
from nas.specs import BackboneSpec, HeadSpec, NetworkSpec
from nas.weights.preprocessing import Preprocessing
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.document import Architecture


class HeadWithClassifier(nn.Module):
    """A head and its logits, which a trial on cached features trains.

    One map (N, C_i, H_i, W_i) for each level, finest first -> logits (N, classes, H_1, W_1).
    """

    def __init__(self, head: nn.Module, classifier: nn.Module) -> None:
        super().__init__()
        self.head = head
        self.classifier = classifier

    def forward(self, *levels: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.head(*levels))
        return logits


class SegmentationNetwork(nn.Module):
    """Backbone, head and logits: normalised images (N, 3, H, W) -> logits (N, classes, H / stride, W / stride).

    The stride is that of the backbone's finest level. Sizes are rounded up; the caller resizes the logits to the image.
    """

    def __init__(self, backbone: Backbone, head: nn.Module, classifier: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.classifier = classifier

    @property
    def preprocessing(self) -> Preprocessing:
        """How pixels become the images that the network maps: its backbone's."""
        return self.backbone.preprocessing

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.head(*self.backbone(images)))
        return logits


Network: TypeAlias = SegmentationNetwork | AutoDeepLabNetwork
"""A network from normalised images to logits at its stride; the last layer is `classifier`."""


def is_network(architecture: Architecture) -> TypeGuard[AutoDeepLab]:
    """Return whether `architecture` describes an entire network, which needs no backbone."""
    return isinstance(architecture, AutoDeepLab)


def build_classifier_head(
    architecture: Architecture,
    levels: Sequence[Level],
    num_classes: int,
    head: HeadSpec,
    crop: tuple[int, int],
    *,
    knowledge: KnowledgeGraph | None = None,
) -> HeadWithClassifier:
    """Build a head and its logits for the feature maps of a backbone.

    Args:
        architecture: A dense cell or a reference head.
        levels: Of the backbone, finest first.
        num_classes: Channels of the logits.
        head: Filters, dropout, rate multiplier, batch norm's momentum and decoder.
        crop: Height and width of the training crop in pixels.
        knowledge: Graph of the classes; only symbolic graph reasoning reads it.

    Raises:
        ValueError: As in `build_head`, or `num_classes` is below 1.
    """
    setting = HeadSetting(
        channels=head.channels,
        dropout=head.dropout,
        output_stride=levels[0].stride,
        crop=crop,
        rate_multiplier=head.rate_multiplier,
        bn_momentum=head.bn_momentum,
        knowledge=knowledge,
        decoder=head.decoder,
    )
    module = build_head(architecture, levels, setting)
    assert isinstance(module.out_channels, int)
    return HeadWithClassifier(module, build_logits(module.out_channels, num_classes))


def match_bn_momentum(backbone: Backbone, head: HeadSpec) -> None:
    """Give a backbone that is trained with a head the batch norm momentum of the head, unless that is the default."""
    if head.bn_momentum != BN_MOMENTUM:
        set_bn_momentum(backbone, head.bn_momentum)


def build_network(
    architecture: Architecture,
    num_classes: int,
    *,
    backbone: BackboneSpec | None = None,
    head: HeadSpec | None = None,
    network: NetworkSpec | None = None,
    crop: tuple[int, int] = (513, 513),
    iterations: int = 1,
    knowledge: KnowledgeGraph | None = None,
) -> Network:
    """Build the entire network of an architecture, randomly initialised.

    A head is put on a backbone; `load_backbone_weights(network.backbone, path)` loads published weights into the
    latter. An architecture that is an entire network itself (auto_deeplab) is built as `network` describes.

    Args:
        architecture: A dense cell, a reference head or an Auto-DeepLab network.
        num_classes: Channels of the logits.
        backbone: Read for heads only; None for MobileNet-v2 at output stride 16.
        head: Read for heads only; None for 256 filters.
        network: Read for entire networks only; None for 20 filters.
        crop: Height and width of the training crop in pixels.
        iterations: Training steps over which an entire network's drop-path probability rises.
        knowledge: Graph of the classes; only symbolic graph reasoning reads it.

    Raises:
        ValueError: The backbone cannot have its output stride, a head needs a knowledge graph and `knowledge` is
            None, or `crop` does not fit an entire network.
    """
    if is_network(architecture):
        return build_auto_deeplab(architecture, num_classes, network or NetworkSpec(), iterations=iterations, crop=crop)
    head = head or HeadSpec()
    features = build_backbone(backbone or BackboneSpec())
    match_bn_momentum(features, head)
    trained = build_classifier_head(
        architecture,
        features.levels,
        num_classes,
        head,
        crop,
        knowledge=knowledge,
    )
    return SegmentationNetwork(features, trained.head, trained.classifier)
