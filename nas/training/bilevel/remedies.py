"""Early stopping of a differentiable search before it collapses to skip connections."""

from __future__ import annotations

from collections.abc import Sequence

from nas.results.snapshot import Remedy
from nas.specs import StopSpec
from search_spaces.auto_deeplab.architecture import AutoDeepLab


def stopped_by(spec: StopSpec, architecture: AutoDeepLab, eigenvalues: Sequence[float]) -> Remedy | None:
    """Choose the remedy by which the search stops after the present epoch, if any.

    Args:
        spec: The remedies that are switched on.
        architecture: What the supernet decodes to after this epoch.
        eigenvalues: The dominant eigenvalue of the Hessian in alpha, one per epoch in which alpha was updated.
    """
    if spec.max_skips is not None and count_skips(architecture) >= spec.max_skips:
        return "skips"
    if spec.hessian is not None and has_grown(eigenvalues, spec.hessian.window, spec.hessian.ratio):
        return "hessian"
    return None


def count_skips(architecture: AutoDeepLab) -> int:
    """Count the skip connections in the cell."""
    return sum(edge.operator == "skip" for block in architecture.blocks for edge in block.edges)


def has_grown(values: Sequence[float], window: int, ratio: float) -> bool:
    """Whether the mean of the last `window` values is above `ratio` times the mean of the `window` values before them.

    The paper stops when mean(i - k) / mean(i) < 0.75 with k = 5, which is a ratio of 1.33.

    Source:
        Zela et al., Understanding and robustifying differentiable architecture search, ICLR 2020, section 4.2.
    """
    if len(values) < 2 * window:
        return False
    last = sum(values[-window:]) / window
    before = sum(values[-2 * window : -window]) / window
    return last > ratio * max(before, 0.0) and last > 0
