"""Whatever can be searched: one union over the kinds, told apart by `kind`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import Discriminator, Tag

from nas.specs.auto_deeplab import AutoDeepLabSpec
from nas.specs.black_box import BlackBoxSpec
from nas.specs.calibration import CalibrationSpec
from nas.specs.full_scale import FullScaleSpec
from nas.specs.reference import ReferenceSpec


def kind(spec: Any) -> Any:
    """Of a spec or of what shall become one; `black_box` where nothing is said."""
    if isinstance(spec, Mapping):
        return spec.get("kind", "black_box")
    return getattr(spec, "kind", "black_box")


SearchSpec: TypeAlias = Annotated[
    Annotated[BlackBoxSpec, Tag("black_box")]
    | Annotated[AutoDeepLabSpec, Tag("auto_deeplab")]
    | Annotated[ReferenceSpec, Tag("reference")]
    | Annotated[FullScaleSpec, Tag("full_scale")]
    | Annotated[CalibrationSpec, Tag("calibration")],
    Discriminator(kind),
]
"""What a row of `searches` was asked to do."""

RequestedSpec: TypeAlias = Annotated[
    Annotated[BlackBoxSpec, Tag("black_box")]
    | Annotated[AutoDeepLabSpec, Tag("auto_deeplab")]
    | Annotated[ReferenceSpec, Tag("reference")],
    Discriminator(kind),
]
"""What `POST /v1/searches` takes; full-scale evaluations and calibrations have requests of their own."""
