"""Whether the weights and packages that a backbone needs are on this machine, without importing any of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping

from nas.specs import HUB, BackboneSpec
from nas.weights.entry import WeightsEntry
from nas.weights.folders import INDEX, checkpoint_in, read_config
from nas.weights.packages import DISTRIBUTIONS, IMAGENET_WEIGHTS, packaged_weights


def missing_parts(spec: BackboneSpec, weights: Mapping[str, WeightsEntry]) -> Iterator[tuple[str, str]]:
    """Say what a backbone needs and this machine does not have; the names that it uses are registered.

    Args:
        spec: The backbone.
        weights: The registered checkpoints.

    Yields:
        The field of the backbone, `name` or `weights`, and a sentence that names no folder.
    """
    library, _, folder = spec.name.rpartition(":") if ":" in spec.name else (spec.name, "", "")
    if (package := {"hf": "transformers", "timm": "timm"}.get(library)) and not _installed(package):
        yield (
            "name",
            f"backbones {library}: need {package}, which is not installed here: pip install 'segnas[{library}]'",
        )
    own = folder if library == "hf" and "/" not in folder else None
    if own is not None:
        yield from (("name", text) for text in _wrong_folder(own, weights[own]))
    if spec.weights is None:
        if not _installed("safetensors"):
            yield (
                "weights",
                "a backbone without weights is warmed up here, which needs safetensors: pip install safetensors",
            )
    elif spec.weights in weights:
        if spec.weights != own:
            yield from (("weights", text) for text in _wrong_weights(spec.weights, weights[spec.weights]))
    elif spec.weights == IMAGENET_WEIGHTS and spec.name in DISTRIBUTIONS:
        try:
            packaged_weights(spec.name)
        except ValueError as error:
            yield "weights", str(error)
    elif spec.weights == HUB and not _installed("huggingface_hub"):
        yield (
            "weights",
            "weights of the hub need huggingface_hub, which is not installed here: pip install 'segnas[hf]'",
        )


def _wrong_folder(name: str, entry: WeightsEntry) -> Iterator[str]:
    folder = entry.path.expanduser()
    if not folder.is_dir():
        if entry.url is not None:  # it is fetched when it is needed
            return
        yield f"the folder that is registered as weights {name!r} does not exist on this machine"
        return
    try:
        read_config(folder)
    except ValueError as error:
        yield f"weights {name!r}: {str(error).replace(str(folder), '<folder>')}"


def _wrong_weights(name: str, entry: WeightsEntry) -> Iterator[str]:
    path = entry.path.expanduser()
    if path.is_dir():
        try:
            if not (path / INDEX).is_file():
                checkpoint_in(path)
        except ValueError as error:
            yield f"weights {name!r}: {str(error).replace(str(path), '<folder>')}"
    elif not path.is_file() and entry.url is None:  # else it is fetched when it is needed
        yield f"the file that is registered as weights {name!r} does not exist on this machine"


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
