"""Reference heads, designed by hand, to compare searched ones with: 1x1, ASPP, SegFormer's, UPerNet and others."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias, get_args

from pydantic import Field, model_validator
from typing_extensions import TypeAliasType

from search_spaces.base import StrictModel, content_key
from search_spaces.units import Unit

ASPP_RATES = (6, 12, 18)
"""Atrous rates at output stride 16 (Chen et al., "Rethinking Atrous Convolution", 2017: DeepLabv3)."""

PPM_BINS = (1, 2, 3, 6)
"""Bins per axis of the pyramid pooling module (Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017)."""

TRUNK_WIDTH = 512
"""Channels of the trunk, as in FCN heads on ResNets and in the papers of the units (GloRe: 512 channels, m = 64)."""

HeadName: TypeAlias = Literal[
    "conv1x1", "aspp", "ppm", "trunk", "linear", "aspp_separable", "linear_levels", "segformer", "fpn", "upernet", "dpt"
]

HEAD_NAMES: tuple[HeadName, ...] = get_args(HeadName)
"""The names of all reference heads."""

SEVERAL_LEVELS: tuple[HeadName, ...] = ("linear_levels", "segformer", "fpn", "upernet", "dpt")
"""Heads that need at least two feature maps of the backbone; the others read one, or the concatenation of several."""

_Positive = Annotated[int, Field(strict=True, ge=1, le=1024)]


TrunkUnit = TypeAliasType("TrunkUnit", Annotated[Unit, Field(discriminator="op")])

_OWNERS: dict[str, tuple[str, ...]] = {
    "rates": ("aspp", "aspp_separable"),
    "bins": ("ppm", "upernet"),
    "width": ("trunk",),
    "unit": ("trunk",),
}
"""The heads that have a parameter; all but the linear ones have `channels`."""

_DEFAULTS: dict[str, dict[str, Any]] = {
    "aspp": {"rates": ASPP_RATES},
    "aspp_separable": {"rates": ASPP_RATES},
    "ppm": {"bins": PPM_BINS},
    "upernet": {"bins": PPM_BINS},
    "trunk": {"width": TRUNK_WIDTH},
}


def _is_none(value: object) -> bool:
    return value is None


class ReferenceHead(StrictModel):
    """A segmentation head that was designed by hand, by its name and its parameters.

    One feature map: `conv1x1`; `linear` (batch norm alone); `aspp` and `aspp_separable`, which have atrous `rates`;
    `ppm`, which has `bins` per axis; `trunk`, which has a `width` and may have a `unit`. Several feature maps:
    `linear_levels`, `segformer`, `fpn`, `upernet` (with `bins`), `dpt`. The trunk is a 3x3 convolution to `width`
    channels, the unit, a 3x3 convolution and a 1x1 convolution; a trunk without a unit is the baseline of those with
    one. By default `rates`, `bins` and `width` are those of the papers.

    `channels` is the head's number of filters; without it the fidelity's (`head.channels`) is used. So one search can
    measure a head at several widths. The linear heads have no filters.
    """

    # Fields of other heads are empty. Empty `width`, `unit` and `channels` are left out of the JSON, so that documents
    # and keys from before they were there stay as they are.

    kind: Literal["reference_head"] = "reference_head"
    name: HeadName
    rates: Annotated[tuple[_Positive, ...], Field(max_length=16)] = ()
    bins: Annotated[tuple[_Positive, ...], Field(max_length=16)] = ()
    width: Annotated[int, Field(strict=True, ge=1, le=4096)] | None = Field(None, exclude_if=_is_none)
    unit: TrunkUnit | None = Field(None, exclude_if=_is_none)
    channels: Annotated[int, Field(strict=True, ge=1, le=4096)] | None = Field(
        None, exclude_if=_is_none, description="Filters of the head; null uses the fidelity's head.channels."
    )

    @model_validator(mode="before")
    @classmethod
    def _papers_values(cls, data: Any) -> Any:
        if isinstance(data, dict):
            name = data.get("name")
            return {**(_DEFAULTS.get(name, {}) if isinstance(name, str) else {}), **data}
        return data

    @model_validator(mode="after")
    def _only_its_own(self) -> Self:
        for field, owners in _OWNERS.items():
            if getattr(self, field) and self.name not in owners:
                verb, it = ("belong", "them") if field in ("rates", "bins") else ("belongs", "it")
                raise ValueError(f"{field} {verb} to {' and '.join(owners)}, not to {self.name}; leave {it} out")
        for field in ("rates", "bins"):
            if not getattr(self, field) and self.name in _OWNERS[field]:
                raise ValueError(f"{self.name} needs at least one of its {field}")
        if self.name == "trunk" and self.width is None:
            raise ValueError("trunk needs a width, a whole number of channels")
        if self.channels is not None and self.name.startswith("linear"):
            raise ValueError(f"{self.name} has no hidden layer and so no channels; leave them out")
        return self

    def check_levels(self, count: int) -> None:
        """Check that the head can read so many feature maps.

        Raises:
            ValueError: The head needs several maps and there is one.
        """
        if count < 2 and self.name in SEVERAL_LEVELS:
            raise ValueError(
                f"{self.name} reads several feature maps, and here is one: list their strides in the fidelity's "
                "backbone.levels, for instance [4, 8, 16, 32] with output_stride 32"
            )

    @property
    def units(self) -> tuple[Unit, ...]:
        """The unit of a trunk, none for other heads."""
        return () if self.unit is None else (self.unit,)

    @property
    def key(self) -> str:
        """Content hash (sha256 hex) of the description."""
        return content_key(self.model_dump(mode="json"))
