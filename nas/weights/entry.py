"""A registered checkpoint: its path, and the preprocessing that it was trained with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, model_validator

from nas.storage import StorageUrl
from nas.weights.preprocessing import Positive, Preprocessing, Three
from search_spaces.base import StrictModel

T = TypeVar("T")
Stated = Annotated[T | None, Field(exclude_if=lambda value: value is None)]
"""A field that may be left out, and then is left out of what is written too."""


class WeightsEntry(StrictModel):
    """A checkpoint under a name: a file, or a folder with `config.json`.

    The fields of the preprocessing that are left out come from the checkpoint's own configuration, else they are those
    of its family (EfficientNet-Lite) or ImageNet's.

    Attributes:
        url: From where the path is fetched on a machine that does not have it, such as `s3://bucket/weights.pth`.
    """

    path: Path
    url: Stated[StorageUrl] = None
    mean: Stated[Three] = None
    std: Stated[tuple[Positive, Positive, Positive]] = None
    input_range: Stated[tuple[float, float]] = None
    input_space: Stated[Literal["RGB", "BGR"]] = None

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str | Path) else value

    @model_validator(mode="after")
    def _is_consistent(self) -> WeightsEntry:
        self.preprocessing(Preprocessing())  # a range that does not ascend is refused when it is written
        return self

    def stated(self) -> dict[str, Any]:
        """Return the fields of the preprocessing that this entry gives."""
        fields = {name: getattr(self, name) for name in Preprocessing.model_fields}
        return {name: value for name, value in fields.items() if value is not None}

    def preprocessing(self, otherwise: Preprocessing) -> Preprocessing:
        """Return the preprocessing of the checkpoint, with `otherwise` for what this entry leaves out."""
        return Preprocessing.model_validate({**otherwise.model_dump(), **self.stated()})
