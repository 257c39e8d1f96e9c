"""What a trial trains beside its architecture: the decoder, where there is one, and the logits."""

from __future__ import annotations

from nas.specs.network import DecoderSpec
from search_spaces.cost import Cost

_TAPS = 9
"""Weights of a 3x3 filter."""


def logits_cost(channels: int, cells: int, classes: int) -> Cost:
    """Count a biased 1x1 convolution to the classes.

    Args:
        channels: That it reads.
        cells: Of the map.
        classes: Of the data set.
    """
    return Cost((channels + 1) * classes, channels * classes * cells)


def decoder_cost(decoder: DecoderSpec, context: int, early: int, cells: int) -> Cost:
    """Count a decoder, without logits, as torch counts it: batch norm has parameters only.

    Args:
        decoder: The decoder.
        context: Channels of the head's output.
        early: Channels of the early map.
        cells: Of the early map, at whose size all of it works.
    """
    weights, normalised = early * decoder.low_level_channels, decoder.low_level_channels
    for read in (context + decoder.low_level_channels, decoder.channels):
        weights += read * (_TAPS + decoder.channels) if decoder.separable else read * _TAPS * decoder.channels
        normalised += decoder.channels + (read if decoder.separable else 0)
    return Cost(weights + 2 * normalised, weights * cells)
