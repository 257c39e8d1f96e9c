"""Heads made by people, to compare found ones with: 1x1, ASPP, PPM."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from search_spaces.base import StrictModel, content_key

ASPP_RATES = (6, 12, 18)
"""Atrous rates at output stride 16 (Chen et al., "Rethinking Atrous Convolution", 2017: DeepLabv3)."""

PPM_BINS = (1, 2, 3, 6)
"""Bins per axis of the pyramid pooling module (Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017)."""

_Positive = Annotated[int, Field(strict=True, ge=1, le=1024)]


class ReferenceHead(StrictModel):
    """`conv1x1`, `aspp` with its atrous `rates`, or `ppm` with its `bins`; what a head does not have is empty.

    Left out, `rates` of an ASPP and `bins` of a PPM are the papers'.
    """

    kind: Literal["reference_head"] = "reference_head"
    name: Literal["conv1x1", "aspp", "ppm"]
    rates: Annotated[tuple[_Positive, ...], Field(max_length=16)] = ()
    bins: Annotated[tuple[_Positive, ...], Field(max_length=16)] = ()

    @model_validator(mode="before")
    @classmethod
    def _papers_values(cls, data: Any) -> Any:
        if isinstance(data, dict):
            defaults: dict[str, Any] = {"aspp": {"rates": ASPP_RATES}, "ppm": {"bins": PPM_BINS}}
            name = data.get("name")
            return {**(defaults.get(name, {}) if isinstance(name, str) else {}), **data}
        return data

    @model_validator(mode="after")
    def _only_its_own(self) -> Self:
        for field, values, owner in (("rates", self.rates, "aspp"), ("bins", self.bins, "ppm")):
            if values and self.name != owner:
                raise ValueError(f"{field} belong to {owner}, not to {self.name}; leave them out")
            if not values and self.name == owner:
                raise ValueError(f"{owner} needs at least one of its {field}")
        return self

    @property
    def key(self) -> str:
        """Content hash (sha256 hex)."""
        return content_key(self.model_dump(mode="json"))
