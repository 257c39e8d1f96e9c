"""What `nas.build_head`, `nas.draw` and others take as an architecture, and the fidelity that it was searched at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from nas.specs import Fidelity
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.document import Architecture, ArchitectureDocument, read_architecture
from search_spaces.reference.architecture import ReferenceHead
from search_spaces.validation import validate

Source: TypeAlias = str | Path | Mapping[str, Any] | list[Any] | ArchitectureDocument | Architecture
"""An architecture: the path of a JSON file, parsed JSON, a document, or the architecture alone."""


def read_source(source: Source, call: str) -> ArchitectureDocument:
    """Read an architecture from whatever a user has at hand.

    Args:
        source: Path of a JSON file, its parsed content, a document, or an architecture.
        call: Name of the function below `nas` that the user called, for the sentence of a refusal.

    Raises:
        ValueError: The source is no architecture; the sentence says what it is and what to pass instead.
    """
    if isinstance(source, ArchitectureDocument):
        return source
    if isinstance(source, DenseCell | AutoDeepLab | ReferenceHead):
        return ArchitectureDocument(kind=source.kind, architecture=source)
    if isinstance(source, Mapping):
        _refuse_spec(source, "this mapping")
    elif isinstance(source, str | Path):
        _refuse_place(Path(source))
    elif not isinstance(source, list):
        _refuse_type(source, call)
    return read_architecture(source)


def searched_fidelity(document: ArchitectureDocument) -> Fidelity | None:
    """Return the fidelity that an architecture was searched at, or None where its document does not say it.

    Raises:
        ValueError: The document has a fidelity that this version does not read.
    """
    data = document.provenance.fidelity
    if data is None:
        return None
    try:
        fidelity = validate(Fidelity, data)
        fidelity.check_crop(document.architecture)
    except ValueError as error:
        raise ValueError(f"provenance.fidelity of the document is not one that this version reads: {error}") from None
    return fidelity


def _refuse_type(source: object, call: str) -> None:
    kind = type(source).__name__
    hint = ""
    if hasattr(source, "state_dict"):
        hint = ": it is a network already"
    elif hasattr(source, "document"):
        hint = ": pass its .document"
    raise ValueError(
        f"nas.{call} takes an architecture (the path of a JSON file, its parsed content, a document or an "
        f"architecture), not {kind}{hint}"
    )


def _refuse_place(path: Path) -> None:
    if path.is_dir():
        if (path / "model.safetensors").is_file():
            raise ValueError(
                f"{path} is a folder with a trained network, which nas.load_network reads; its architecture is "
                f"{path / 'architecture.json'}"
            )
        raise ValueError(f"{path} is a folder; an architecture is a JSON file, such as `segnas export` writes")
    if path.suffix in (".safetensors", ".pt", ".pth", ".onnx", ".pt2"):
        raise ValueError(f"{path} holds weights; the architecture is in a JSON file, such as `segnas export` writes")
    if path.suffix in (".yaml", ".yml"):
        raise ValueError(f"{path} is YAML, as searches are; an architecture is JSON, such as `segnas export` writes")


def _refuse_spec(data: Mapping[str, Any], place: str) -> None:
    """Refuse a search or a fidelity, which say what is searched and how, not what was found."""
    if "architecture" not in data and ("fidelity" in data or "dataset" in data):
        raise ValueError(
            f"{place} is a search or a fidelity, which names no architecture; `segnas export` writes the one that a "
            "search has found"
        )
