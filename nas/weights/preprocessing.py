"""How pixels become the inputs of a network: range, mean, deviation and order of the colours."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from search_spaces.base import StrictModel

Three = tuple[float, float, float]
Positive = Annotated[float, Field(gt=0)]


class Preprocessing(StrictModel):
    """Preprocessing of images for the weights that were trained with it; the default is ImageNet's.

    A pixel from 0 to 255 is mapped linearly to `input_range`, then `mean` is subtracted and the rest divided by `std`.
    `mean` and `std` are in the order of the network's channels, `input_space`. The four names are those of
    segmentation_models_pytorch.
    """

    mean: Three = (0.485, 0.456, 0.406)
    std: tuple[Positive, Positive, Positive] = (0.229, 0.224, 0.225)
    input_range: tuple[float, float] = Field(
        (0.0, 1.0), description="What pixels 0 and 255 become before the mean is subtracted."
    )
    input_space: Literal["RGB", "BGR"] = "RGB"

    @model_validator(mode="after")
    def _range_ascends(self) -> Self:
        if self.input_range[0] >= self.input_range[1]:
            raise ValueError(f"input_range must be [lowest, highest], not {list(self.input_range)}")
        return self

    @property
    def scale(self) -> Three:
        """Factor on the pixels of each channel: the network's input is pixel * scale + shift."""
        low, high = self.input_range
        red, green, blue = ((high - low) / (255 * std) for std in self.std)
        return red, green, blue

    @property
    def shift(self) -> Three:
        """Summand of each channel: the network's input is pixel * scale + shift."""
        first, second, third = (
            (self.input_range[0] - mean) / std for mean, std in zip(self.mean, self.std, strict=True)
        )
        return first, second, third

    @property
    def neutral_pixel(self) -> tuple[int, int, int]:
        """The colour (red, green, blue; 0 to 255) that becomes about zero: padding of it carries no signal."""
        low, high = self.input_range
        first, second, third = (min(255, max(0, round(255 * (mean - low) / (high - low)))) for mean in self.mean)
        return (first, second, third) if self.input_space == "RGB" else (third, second, first)


IMAGENET = Preprocessing()
"""Of torchvision's and most of timm's networks, and of all that this package trains from the start."""
