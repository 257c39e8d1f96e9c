"""Torch modules of the networks that the project's specs describe: layers, heads, backbones, entire networks."""

from nas.models.auto_deeplab import AutoDeepLabNetwork, build_auto_deeplab
from nas.models.backbones.base import Backbone
from nas.models.backbones.build import build_backbone, load_backbone_weights, receptive_field
from nas.models.complexity import multiply_adds
from nas.models.heads.build import build_head
from nas.models.networks import HeadWithClassifier, SegmentationNetwork, build_classifier_head, build_network
from nas.models.parameters import count_parameters, parameter_groups

__all__ = [
    "AutoDeepLabNetwork",
    "Backbone",
    "HeadWithClassifier",
    "SegmentationNetwork",
    "build_auto_deeplab",
    "build_backbone",
    "build_classifier_head",
    "build_head",
    "build_network",
    "count_parameters",
    "load_backbone_weights",
    "multiply_adds",
    "parameter_groups",
    "receptive_field",
]
