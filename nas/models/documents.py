"""Networks from architecture documents, built as they were searched: `nas.build_head` and `nas.build_network`."""

from __future__ import annotations

import json
import logging
import operator
from collections.abc import Sequence
from typing import Any, TypeVar

from torch import nn

from nas.models.backbones.base import Level
from nas.models.graph_reasoning import KnowledgeGraph
from nas.models.networks import Network, build_classifier_head, is_network
from nas.models.networks import build_network as build_described_network
from nas.sources import Source, read_source, searched_fidelity
from nas.specs import BackboneSpec, Fidelity, HeadSpec, NetworkSpec
from nas.specs.fields import Size
from search_spaces.validation import validate

LOGGER = logging.getLogger("nas")
"""Where the builders say in which way a network is not the one that was searched."""

PAPER_CROP = (513, 513)
"""Height and width in pixels of the training crop where a document names none."""

T = TypeVar("T")


def build_head(
    source: Source,
    in_channels: int | Sequence[int],
    *,
    strides: int | Sequence[int] | None = None,
    channels: int | None = None,
    dropout: float | None = None,
    rate_multiplier: int | None = None,
    crop: tuple[int, int] | None = None,
    knowledge: KnowledgeGraph | None = None,
) -> nn.Module:
    """Build the head of an architecture document, without logits and with random initial weights.

    What is not given is as the head was searched (`provenance.fidelity` of the document). Without that it is as in the
    paper: 256 filters, dropout 0.1, one map of stride 16, windows for crops of 513 pixels. The logger `nas` warns of
    both: of what is given and differs from the document, and of a document that does not say how it was searched.

    Args:
        source: Path of a JSON file, its parsed content, a document, or an architecture.
        in_channels: Channels of the feature map that the head reads; of each map, finest first, for several.
        strides: Pixels of the image per cell of each map, finest first. They set atrous rates and pooling windows.
        channels: Filters of the head.
        dropout: Probability of dropping a feature in training.
        rate_multiplier: Factor on atrous rates, which refer to stride 16.
        crop: Height and width of the training crop in pixels; they set the pooling windows of a dense cell.
        knowledge: Graph of the classes; only symbolic graph reasoning reads it.

    Returns:
        A module that maps one feature map (N, channels, H, W) for each level to (N, out_channels, H, W) at the size of
        the finest; `out_channels` is an attribute.

    Raises:
        ValueError: The source is no architecture or no head, or a value does not fit.
    """
    document = read_source(source, "build_head")
    if is_network(document.architecture):
        raise ValueError(
            "auto_deeplab is a whole network with its own backbone, not a head: nas.build_network builds it"
        )
    fidelity = searched_fidelity(document)
    backbone = BackboneSpec() if fidelity is None else fidelity.backbone
    searched = HeadSpec() if fidelity is None else fidelity.head
    given = _Given()
    asked = {
        "channels": given.choose("channels", channels, searched.channels),
        "dropout": given.choose("dropout", dropout, searched.dropout),
        "rate_multiplier": given.choose("rate_multiplier", rate_multiplier, searched.rate_multiplier),
    }
    head = validate(HeadSpec, searched.model_dump() | asked)
    pixels = given.choose("strides", None if strides is None else _positive(strides, "strides"), backbone.strides)
    size = given.choose("crop", _checked_crop(crop), PAPER_CROP if fidelity is None else fidelity.crop)
    given.report("build_head", fidelity)
    levels = _levels(_positive(in_channels, "in_channels"), pixels)
    # Built as trials build it, with logits that are not asked for.
    return build_classifier_head(document.architecture, levels, 1, head, size, knowledge=knowledge).head


def build_network(
    source: Source,
    num_classes: int,
    *,
    backbone: BackboneSpec | None = None,
    head: HeadSpec | None = None,
    network: NetworkSpec | None = None,
    crop: tuple[int, int] | None = None,
    iterations: int | None = None,
    knowledge: KnowledgeGraph | None = None,
) -> Network:
    """Build the entire network of an architecture document, from images to logits, with random initial weights.

    What is not given is as the architecture was searched (`provenance.fidelity` of the document). Without that it is as
    in the paper: MobileNet-v2 at stride 16 and 256 filters, or Auto-DeepLab-S; crops of 513 pixels. The logger `nas`
    warns of what differs from the document, and of a document that does not say how it was searched. The weights of a
    backbone are not in the document: `nas.models.load_backbone_weights(network.backbone, path)` reads a checkpoint.

    Args:
        source: Path of a JSON file, its parsed content, a document, or an architecture.
        num_classes: Channels of the logits.
        backbone: Read for heads only.
        head: Filters, dropout and rate multiplier; read for heads only.
        network: Widths; read for entire networks (auto_deeplab) only.
        crop: Height and width of the training crop in pixels.
        iterations: Training steps over which an entire network's drop-path probability rises.
        knowledge: Graph of the classes; only symbolic graph reasoning reads it.

    Returns:
        A module that maps normalised images (N, 3, H, W) to logits (N, num_classes, H / stride, W / stride).

    Raises:
        ValueError: The source is no architecture, or a value does not fit.
    """
    document = read_source(source, "build_network")
    (classes,) = _positive(num_classes, "num_classes")
    fidelity = searched_fidelity(document)
    searched = fidelity or Fidelity(dataset="none", crop=PAPER_CROP, rungs=(1,))
    given = _Given()
    parts: dict[str, Any] = {}
    if is_network(document.architecture):
        parts["network"] = given.choose("network", network, searched.network)
        parts["iterations"] = given.choose("iterations", iterations, searched.iterations)
    else:
        parts["backbone"] = given.choose("backbone", backbone, searched.backbone)
        parts["head"] = given.choose("head", head, searched.head)
    parts["crop"] = given.choose("crop", _checked_crop(crop), searched.crop)
    given.report("build_network", fidelity)
    return build_described_network(document.architecture, classes, **parts, knowledge=knowledge)


class _Given:
    """Collects which values were given that differ from those of the search."""

    def __init__(self) -> None:
        self.differences: list[str] = []

    def choose(self, name: str, given: T | None, searched: T) -> T:
        """Return what was given, or else what was searched with; note where the one differs from the other."""
        if given is None:
            return searched
        if given != searched:
            self.differences.append(f"{name} {_shown(given)} instead of {_shown(searched)}")
        return given

    def report(self, call: str, fidelity: Fidelity | None) -> None:
        if fidelity is None:
            LOGGER.warning(
                "nas.%s: the document does not say how the architecture was searched (provenance.fidelity); "
                "what is not given is as in the paper",
                call,
            )
        elif self.differences:
            LOGGER.warning(
                "nas.%s: %s; the scores of the document are not those of this network",
                call,
                ", ".join(self.differences),
            )


def _shown(value: object) -> str:
    if isinstance(value, BackboneSpec | HeadSpec | NetworkSpec):
        return json.dumps(value.model_dump(mode="json", exclude_defaults=True)) or "its defaults"
    return str(list(value) if isinstance(value, tuple) else value)


def _checked_crop(crop: tuple[int, int] | None) -> tuple[int, int] | None:
    try:
        return None if crop is None else validate(Size, crop)
    except ValueError:
        raise ValueError(f"crop is (height, width) in pixels, from 1 to 8192 each; {crop!r} is not") from None


def _positive(values: int | Sequence[int], name: str) -> tuple[int, ...]:
    numbers: list[Any] = list(values) if isinstance(values, list | tuple) else [values]
    try:
        whole = tuple(operator.index(number) for number in numbers if not isinstance(number, bool))
    except TypeError:
        whole = ()
    if not whole or len(whole) != len(numbers) or min(whole) < 1:
        more = "" if name == "num_classes" else ", or a list of them, one for each map"
        raise ValueError(f"{name} is a whole number of at least 1{more}; {values!r} is not")
    return whole


def _levels(channels: tuple[int, ...], strides: tuple[int, ...]) -> list[Level]:
    if len(channels) != len(strides):
        raise ValueError(
            f"the head reads {len(strides)} maps (strides {', '.join(map(str, strides))}) and in_channels has "
            f"{len(channels)}: give the channels of each map, finest first, or other strides"
        )
    return [Level(stride, width) for stride, width in zip(strides, channels, strict=True)]
