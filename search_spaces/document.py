"""The architecture document: one versioned, self-describing JSON format for all kinds of architecture.

{"format": "segnas/architecture", "version": 1, "kind": "dense_cell", "architecture": {...}, "provenance": {...}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, JsonValue, TypeAdapter, ValidationError, model_validator

from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.auto_deeplab.formats import is_darts, is_tensorflow, read_darts, read_tensorflow
from search_spaces.base import StrictModel
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.dense_cell.deeplab import read_deeplab
from search_spaces.environment import Environment
from search_spaces.json_text import parse_json
from search_spaces.latency import Latency
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.validation import explain, shorten

FORMAT: Literal["segnas/architecture"] = "segnas/architecture"
VERSION: Literal[1] = 1

Architecture: TypeAlias = Annotated[DenseCell | AutoDeepLab | ReferenceHead, Field(discriminator="kind")]
Kind: TypeAlias = Literal["dense_cell", "auto_deeplab", "reference_head"]

KINDS: tuple[Kind, ...] = ("dense_cell", "auto_deeplab", "reference_head")
_ARCHITECTURE: TypeAdapter[Architecture] = TypeAdapter(Architecture)


class Score(StrictModel):
    """Validation mIoU in [0, 1] after so many training iterations."""

    iteration: Annotated[int, Field(ge=1)]
    score: Annotated[float, Field(ge=0, le=1)]


class Confirmed(StrictModel):
    """What a confirmation measured of an architecture, with seeds that no trial of its search had.

    Attributes:
        search: Id of the confirmation, a search too.
        score: Mean over its seeds of the value of the search's first objective, in [0, 1].
        objective: That objective in words; left out for mIoU.
        spread: Standard deviation over the seeds (n - 1); left out with one.
        seeds: Number of seeds.
        kept_back: Whether it was measured on images that its search never measured on.
    """

    search: str
    score: Annotated[float, Field(ge=0, le=1)]
    objective: str = Field("mIoU", exclude_if=lambda objective: objective == "mIoU")
    spread: Annotated[float, Field(ge=0)] | None = None
    seeds: Annotated[int, Field(ge=1)]
    kept_back: bool


class Provenance(StrictModel):
    """Where an architecture comes from; fields that are not known are left out.

    Attributes:
        search: Id of the search.
        trial: Number of the trial within the search.
        seed: Seed of the trial.
        fidelity: The complete fidelity at which `scores` were measured.
        scores: One for each rung, ascending in iterations.
        confirmed: What the search's confirmation measured, where it decided that this architecture is the best.
        software: Version of each package by its name.
        environment: Machine, software and data that `scores` were measured with.
        latency: How long what was trained takes for one image, where that was measured.
        augmentation: Content hash of the albumentations pipeline that the network was trained with.
        classes: Names of the classes of the data set, in the order of a network's outputs.
    """

    search: str | None = None
    trial: Annotated[int, Field(ge=0)] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    fidelity: dict[str, JsonValue] | None = None
    scores: tuple[Score, ...] = ()
    confirmed: Confirmed | None = None
    software: dict[str, str] = Field(default_factory=dict)
    environment: Environment | None = None
    latency: Latency | None = None
    augmentation: str | None = None
    classes: tuple[str, ...] = ()


class ArchitectureDocument(StrictModel):
    """An architecture document: everything needed to build the architecture's network anew."""

    format: Literal["segnas/architecture"] = FORMAT
    version: Literal[1] = VERSION
    kind: Kind
    architecture: Architecture
    provenance: Provenance = Provenance()

    @model_validator(mode="before")
    @classmethod
    def _kind_goes_inside(cls, data: Any) -> Any:
        # The kind need not be repeated inside `architecture`.
        if isinstance(data, Mapping) and isinstance(data.get("architecture"), Mapping) and "kind" in data:
            return {**data, "architecture": {"kind": data["kind"], **data["architecture"]}}
        return data

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.kind != self.architecture.kind:
            raise ValueError(f"kind is {self.kind}, but architecture.kind is {self.architecture.kind}")
        return self


def canonical(architecture: Architecture) -> Architecture:
    """Return the form in which an architecture is stored and measured: equal architectures have the same one.

    The order of blocks or branches decides the draws of the initial weights, and so the score.
    """
    return architecture if isinstance(architecture, ReferenceHead) else architecture.canonical()


def architecture_to_dict(architecture: Architecture) -> dict[str, Any]:
    """Write an architecture as a plain JSON mapping with its `kind`; `architecture_from_dict` reads it back."""
    return architecture.model_dump(mode="json", exclude_none=True)


def architecture_from_dict(data: Mapping[str, Any]) -> Architecture:
    """Read an architecture from a JSON mapping with a `kind`.

    Raises:
        ValueError: The mapping describes no architecture; one line names each wrong field and says what is wrong.
    """
    _check_kind(data)
    try:
        return _ARCHITECTURE.validate_python(dict(data))
    except ValidationError as error:
        raise ValueError(f"not a valid {data['kind']}: {explain(error, data, Architecture)}") from None


def write_document(architecture: Architecture, provenance: Provenance | None = None) -> dict[str, Any]:
    """Write an architecture document as a plain JSON mapping; unknown provenance is left out."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": architecture.kind,
        "architecture": architecture_to_dict(architecture),
        "provenance": (provenance or Provenance()).model_dump(mode="json", exclude_defaults=True),
    }


def read_architecture(source: str | Path | Mapping[str, Any] | list[Any]) -> ArchitectureDocument:
    """Read an architecture from any of the JSON formats that are known.

    Args:
        source: The path of a JSON file (a string is a path too), or its parsed JSON. A mapping is an architecture
            document, a bare architecture with its `kind`, or an Auto-DeepLab network in one of the formats of
            `search_spaces.auto_deeplab.formats`. A list is a dense prediction cell in TensorFlow DeepLab's format.

    Returns:
        The document; its provenance is empty where the format has none.

    Raises:
        ValueError: The file cannot be read or describes no architecture; one line names the file and the field.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        try:
            return read_architecture(_load(path))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    if isinstance(source, list):
        return ArchitectureDocument(kind="dense_cell", architecture=read_deeplab(source))
    if "format" in source or "architecture" in source:
        return _read_document(source)
    architecture = _read_bare(source)
    return ArchitectureDocument(kind=architecture.kind, architecture=architecture)


def _read_bare(data: Mapping[str, Any]) -> Architecture:
    if is_tensorflow(data):
        return read_tensorflow(data)
    if is_darts(data):
        return read_darts(data)
    if "kind" not in data:
        raise ValueError(f"{_fields(data)} are no architecture; {_WANTED}")
    return architecture_from_dict(data)


def _fields(data: Mapping[str, Any]) -> str:
    return f"the fields {shorten(sorted(map(str, data)))}" if data else "no fields"


_WANTED = (
    "what is read is a document (`format`, `kind`, `architecture`), an architecture with its `kind` "
    f"({', '.join(KINDS)}), TensorFlow DeepLab's dense cell (a list of branches) or Auto-DeepLab network "
    "(`operations`, `hiddenstate_indices`, `backbone`), or a network as numbered edges (`genotype`, `path`)"
)

_BINARY = (
    (b"\x93NUMPY", "a NumPy array"),
    (b"PK", "a zip archive, such as torch.save and numpy.savez write"),
    (b"\x80", "a Python pickle"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"\x89HDF", "an HDF5 file"),
)
"""First bytes of files in which architectures are found elsewhere, and what these files are."""


def _read_document(data: Mapping[str, Any]) -> ArchitectureDocument:
    if data.get("format") != FORMAT:
        raise ValueError(f"format is {shorten(data.get('format'))}; the known one is {FORMAT!r}")
    version = data.get("version")
    if type(version) is not int or version != VERSION:
        raise ValueError(f"version is {shorten(version)}; the known one is {VERSION}")
    _check_kind(data)
    try:
        return ArchitectureDocument.model_validate(dict(data))
    except ValidationError as error:
        raise ValueError(f"not a valid document: {explain(error, data, ArchitectureDocument)}") from None


def _check_kind(data: Mapping[str, Any]) -> None:
    if "kind" not in data:
        raise ValueError(f"kind is missing; the known ones are {', '.join(KINDS)}")
    if data["kind"] not in KINDS:
        raise ValueError(f"kind is {shorten(data['kind'])}; the known ones are {', '.join(KINDS)}")


def _load(path: Path) -> Mapping[str, Any] | list[Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    for start, name in _BINARY:
        if content.startswith(start):
            raise ValueError(f"this is {name}, not JSON; {_WANTED}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}") from None
    try:
        value = parse_json(text)
    except json.JSONDecodeError as error:
        place = f": line {error.lineno}, column {error.colno}" if error.doc else ""
        raise ValueError(f"not JSON{place}: {error.msg}") from None
    if not isinstance(value, dict | list):
        raise ValueError(f"a JSON object or list is needed, not {shorten(value)}")
    return value
