"""When to stop before the search collapses."""

from __future__ import annotations

from collections.abc import Sequence

from nas.results.snapshot import Remedy
from nas.specs import StopSpec
from search_spaces.auto_deeplab.architecture import AutoDeepLab


def stopped_by(spec: StopSpec, architecture: AutoDeepLab, eigenvalues: Sequence[float]) -> Remedy | None:
    """The remedy that asks to stop after the last epoch; `eigenvalues` has one per epoch in which alpha moved."""
    if spec.max_skips is not None and count_skips(architecture) >= spec.max_skips:
        return "skips"
    if spec.hessian is not None and has_grown(eigenvalues, spec.hessian.window, spec.hessian.ratio):
        return "hessian"
    return None


def count_skips(architecture: AutoDeepLab) -> int:
    """Skips in the cell."""
    return sum(edge.operator == "skip" for block in architecture.blocks for edge in block.edges)


def has_grown(values: Sequence[float], window: int, ratio: float) -> bool:
    """Whether the mean of the last `window` values is above `ratio` times that of the `window` before them.

    RobustDARTS (Zela et al., ICLR 2020, section 4.2) stops when mean(i - k) / mean(i) < 0.75 with k = 5: ratio 1.33.
    """
    if len(values) < 2 * window:
        return False
    last = sum(values[-window:]) / window
    before = sum(values[-2 * window : -window]) / window
    return last > ratio * max(before, 0.0) and last > 0
