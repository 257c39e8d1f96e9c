"""What the words of a report mean, for somebody who does not know them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from nas.schemas.panels import Panel

WORDS = (
    ("mIoU", "mean intersection over union of all classes, on validation images: 0 is nothing right, 1 everything"),
    ("dense prediction cell", "a head of a few branches, beside or behind each other, that are joined at the end"),
    ("dpc", "random search that also draws near the best cells so far (Chen et al., NeurIPS 2018)"),
    ("gp", "a search that proposes what a Gaussian process over all scores so far expects the most of"),
    ("trial", "one architecture, trained and scored once; its number says when it was begun"),
    ("iteration", "one step of training, on one batch of crops"),
    ("rung", "a number of iterations after which trials are scored; the worse ones may be stopped there"),
    ("pruned", "stopped at a rung, because others were ahead"),
    ("seed", "the number from which the random draws of a training come: another seed, another score"),
    ("fidelity", "how carefully an architecture is measured: data, backbone, crops, iterations"),
    ("proxy", "a cheap way of measuring that stands for an expensive one"),
    ("full scale", "the expensive way of measuring, with long training"),
    ("rho", "Spearman's rank correlation: 1 is the same order, 0 none, -1 the reverse"),
    ("spread", "standard deviation between the seeds"),
    ("backbone", "the network that turns images into feature maps, below the head that is searched"),
    ("multiply-adds", "arithmetic of a forward pass for one crop"),
    ("device time", "seconds of one processor or GPU, summed over all that were held"),
)
"""Words and their meaning, those first that one meets first."""

CELL = (
    "0:sep6x3(F)",
    "branch 0 of a cell: an atrous separable convolution with these rates (pool4x2: a pooling with this grid; conv: a "
    "1x1 convolution), which reads F, the feature map (1: branch 1)",
)
"""How a cell is written, and what that means."""

_WRITTEN_CELL = re.compile(r"\b0:(sep|pool|conv)")

_UNSEEN = ("type", "part", "style", "mark")
"""Fields of panels that are drawn and not written."""


def words_in(texts: Iterable[str], panels: Iterable[Panel]) -> Iterator[tuple[str, str]]:
    """Yield the words that texts and panels use, with their meaning."""
    text = " ".join([*texts, *(text for panel in panels for text in _texts(panel.model_dump()))])
    for word, meaning in WORDS:
        if re.search(rf"(?<![a-z]){re.escape(word)}s?(?![a-z])", text, re.IGNORECASE):
            yield word, meaning
    if _WRITTEN_CELL.search(text):
        yield CELL


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            if name not in _UNSEEN:
                yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
