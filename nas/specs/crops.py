"""Which crops fit the coarsest of the maps that a head or a network makes of them."""

from __future__ import annotations

from search_spaces.auto_deeplab.architecture import AutoDeepLab


def crop_misfit(crop: tuple[int, int], stride: int) -> str | None:
    """Describe what a crop would have to be to fit maps that go down to a stride.

    Args:
        crop: Height and width in pixels.
        stride: Of the coarsest map, in pixels.

    Returns:
        A clause for a sentence; None where the crop fits.
    """
    if all(side >= 2 * stride and side % stride in {0, 1} for side in crop):
        return None
    return f"each side must be a multiple of {stride}, or one more, and at least {2 * stride}"


def check_crop(architecture: AutoDeepLab, crop: tuple[int, int]) -> None:
    """Check that `crop`, (height, width) in pixels, fits the path of a network.

    Raises:
        ValueError: A side is below two cells of the path's deepest layer, or no multiple of its stride (plus one).
    """
    deepest = max(architecture.strides)
    if (needed := crop_misfit(crop, deepest)) is not None:
        raise ValueError(f"crop {list(crop)} does not fit a path down to stride {deepest}: {needed}")
