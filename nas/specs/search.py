"""The spec of any search: one union over the kinds of search, discriminated by the field `kind`."""

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
from nas.specs.confirmation import ConfirmationSpec
from nas.specs.full_scale import FullScaleSpec
from nas.specs.job import JobSpec
from nas.specs.plugins import plugged_in
from nas.specs.reference import ReferenceSpec

DEFAULT_KIND = "black_box"
"""The kind of a spec without a field `kind`."""


def kind_name(spec: type[JobSpec]) -> str:
    """Name the kind of search that a class of specs belongs to: the default of its field `kind`."""
    return str(spec.model_fields["kind"].default)


@cache
def stored_specs() -> tuple[type[JobSpec], ...]:
    """List the classes of all specs that a row of `searches` may hold, those of plugins last."""
    built_in = (BlackBoxSpec, AutoDeepLabSpec, ReferenceSpec, FullScaleSpec, CalibrationSpec, ConfirmationSpec)
    return (*built_in, *(plugged.spec for plugged in plugged_in()))


@dataclass(frozen=True)
class OneOf:
    """Metadata of an annotation: the value is an instance of one of these classes, discriminated by the field `kind`.

    The union is built when pydantic first needs it, not when the annotation is written: plugins import this package,
    so they can only be loaded after it.
    """

    specs: Callable[[], Sequence[type[JobSpec]]]

    def union(self) -> Any:
        """Build the union as a type that pydantic understands."""
        members = tuple(Annotated[spec, Tag(kind_name(spec))] for spec in self.specs())
        return Annotated[Union[members], Discriminator(kind)]  # noqa: UP007  members are known at run time only

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(self.union())


def kind(spec: Any) -> Any:
    """Name the kind of a spec, or of a mapping from which a spec is to be made."""
    if isinstance(spec, Mapping):
        return spec.get("kind", DEFAULT_KIND)
    return getattr(spec, "kind", DEFAULT_KIND)


SearchSpec: TypeAlias = Annotated[JobSpec, OneOf(stored_specs)]
"""The spec in a row of `searches`."""
