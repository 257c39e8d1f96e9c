"""Whatever can be searched: one union over the kinds of search, told apart by the field `kind`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, TypeAlias, Union

from pydantic import Discriminator, GetCoreSchemaHandler, Tag
from pydantic_core import CoreSchema

from nas.specs.auto_deeplab import AutoDeepLabSpec
from nas.specs.black_box import BlackBoxSpec
from nas.specs.calibration import CalibrationSpec
from nas.specs.full_scale import FullScaleSpec
from nas.specs.job import JobSpec
from nas.specs.plugins import plugged_in
from nas.specs.reference import ReferenceSpec

DEFAULT_KIND = "black_box"
"""The kind of a spec that does not say it."""


def kind_name(spec: type[JobSpec]) -> str:
    """Name of the kind whose spec a class is: the default of its field `kind`."""
    return str(spec.model_fields["kind"].default)


@cache
def stored_specs() -> tuple[type[JobSpec], ...]:
    """Classes of every spec that a row of `searches` may hold, those of plugged-in kinds last."""
    built_in = (BlackBoxSpec, AutoDeepLabSpec, ReferenceSpec, FullScaleSpec, CalibrationSpec)
    return (*built_in, *(plugged.spec for plugged in plugged_in()))


@dataclass(frozen=True)
class OneOf:
    """Marks an annotation: the value is of one of these classes, told apart by the field `kind`.

    The union is put together when pydantic first needs it, not when the annotation is written: plugged-in kinds
    import this package, so they can only be loaded after it.
    """

    specs: Callable[[], Sequence[type[JobSpec]]]

    def union(self) -> Any:
        """The union as pydantic understands it."""
        members = tuple(Annotated[spec, Tag(kind_name(spec))] for spec in self.specs())
        return Annotated[Union[members], Discriminator(kind)]  # noqa: UP007  members are known at run time only

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's question for what to validate with."""
        return handler.generate_schema(self.union())


def kind(spec: Any) -> Any:
    """Name of the kind of a spec, or of a mapping that shall become one."""
    if isinstance(spec, Mapping):
        return spec.get("kind", DEFAULT_KIND)
    return getattr(spec, "kind", DEFAULT_KIND)


SearchSpec: TypeAlias = Annotated[JobSpec, OneOf(stored_specs)]
"""What a row of `searches` was asked to do."""
