"""Reference heads, designed by hand, to compare searched ones with: 1x1, ASPP, PPM, a trunk with or without a unit."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

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

_Positive = Annotated[int, Field(strict=True, ge=1, le=1024)]


TrunkUnit = TypeAliasType("TrunkUnit", Annotated[Unit, Field(discriminator="op")])

_DEFAULTS: dict[str, dict[str, Any]] = {
    "aspp": {"rates": ASPP_RATES},
    "ppm": {"bins": PPM_BINS},
    "trunk": {"width": TRUNK_WIDTH},
}


def _is_none(value: object) -> bool:
    return value is None


class ReferenceHead(StrictModel):
    """A segmentation head that was designed by hand: a 1x1 convolution, ASPP, PPM, or a trunk with or without a unit.

    `aspp` has atrous `rates`, `ppm` has `bins` per axis, `trunk` has a `width` and may have a `unit`. The trunk is a
    3x3 convolution to `width` channels, the unit, a 3x3 convolution and a 1x1 convolution; a trunk without a unit is
    the baseline of those with one. By default `rates`, `bins` and `width` are those of the papers.
    """

    # Fields of other heads are empty. Empty `width` and `unit` are left out of the JSON, so that documents and keys
    # from before there was a trunk stay as they are.

    kind: Literal["reference_head"] = "reference_head"
    name: Literal["conv1x1", "aspp", "ppm", "trunk"]
    rates: Annotated[tuple[_Positive, ...], Field(max_length=16)] = ()
    bins: Annotated[tuple[_Positive, ...], Field(max_length=16)] = ()
    width: Annotated[int, Field(strict=True, ge=1, le=4096)] | None = Field(None, exclude_if=_is_none)
    unit: TrunkUnit | None = Field(None, exclude_if=_is_none)

    @model_validator(mode="before")
    @classmethod
    def _papers_values(cls, data: Any) -> Any:
        if isinstance(data, dict):
            name = data.get("name")
            return {**(_DEFAULTS.get(name, {}) if isinstance(name, str) else {}), **data}
        return data

    @model_validator(mode="after")
    def _only_its_own(self) -> Self:
        owned = {"rates": (self.rates, "aspp"), "bins": (self.bins, "ppm"), "width": (self.width, "trunk")}
        for field, (values, owner) in {**owned, "unit": (self.unit, "trunk")}.items():
            if values and self.name != owner:
                verb, it = ("belong", "them") if field in ("rates", "bins") else ("belongs", "it")
                raise ValueError(f"{field} {verb} to {owner}, not to {self.name}; leave {it} out")
        for field in ("rates", "bins"):
            values, owner = owned[field]
            if not values and self.name == owner:
                raise ValueError(f"{owner} needs at least one of its {field}")
        if self.name == "trunk" and self.width is None:
            raise ValueError("trunk needs a width, a whole number of channels")
        return self

    @property
    def units(self) -> tuple[Unit, ...]:
        """The unit of a trunk, none for other heads."""
        return () if self.unit is None else (self.unit,)

    @property
    def key(self) -> str:
        """Content hash (sha256 hex) of the description."""
        return content_key(self.model_dump(mode="json"))
