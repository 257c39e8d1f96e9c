"""Checkpoints as people have them: wrapped, prefixed, split; read without executing code, loaded strictly."""

from __future__ import annotations

import json
import logging
import pickle
import re
from collections.abc import Collection, Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from nas.models.backbones.base import Backbone
from nas.weights.folders import INDEX

SHOWN_KEYS = 6
"""Keys that an error message lists; the others are counted."""

WRAPPERS = ("state_dict", "model_state_dict", "model", "teacher", "network", "net")
"""Names under which training scripts save the weights beside other things, the first one that is there is read."""

_log = logging.getLogger(__name__)


def load_backbone_weights(module: Backbone, path: Path) -> None:
    """Load a checkpoint into `module`, in place and strictly.

    Every parameter and statistic of the module must be in the file with the same shape (what `Backbone.may_lack` names
    may be missing), and the file may hold nothing else except layers that the network omits on purpose (the classifier,
    removed stages; see `Backbone.leaves_out`). The file may be a whole network whose backbone has a prefix, such as
    `backbone.` or `module.encoder.`: the prefix is found and logged, and what does not have it is left out.

    Args:
        module: The network to load into; unchanged when the file does not fit.
        path: A `.safetensors` file, what `torch.save` wrote of a state dict (alone, or as one of `WRAPPERS`), or a
            folder whose `model.safetensors.index.json` lists several files.

    Raises:
        ValueError: The file cannot be read or does not fit the module; the message names the file and the keys.
    """
    load_backbone_state(module, _read(path), str(path))


def load_backbone_state(module: Backbone, state: Mapping[str, Tensor], path: str) -> None:
    """Load tensors by their names into `module`, as `load_backbone_weights` does.

    Args:
        module: The network to load into.
        state: The tensors of a checkpoint.
        path: Where they are from, for messages.

    Raises:
        ValueError: They do not fit the module.
    """
    own = module.state_dict()
    required = [key for key in own if not module.may_lack(key)]
    names = {module.published_name(key): key for key in own}
    state, prefix = _without_prefix(state, [module.published_name(key) for key in required], required)
    state = {key if key in own else names.get(key, key): value for key, value in state.items()}
    relevant = {key: value for key, value in state.items() if key in own or not module.leaves_out(key)}
    problems = {
        "missing": [key for key in required if key not in relevant],
        "unknown": [key for key in relevant if key not in own],
        "of another shape": [
            f"{key} {tuple(value.shape)} for {tuple(own[key].shape)}"
            for key, value in relevant.items()
            if key in own and value.shape != own[key].shape
        ],
    }
    faults = [f"{abbreviate(keys)} {problem}" for problem, keys in problems.items() if keys]
    if faults:
        under = f" under {prefix!r}" if prefix else ""
        raise ValueError(f"{path}{under} does not fit this {type(module).__name__}: {'; '.join(faults)}")
    module.load_state_dict(own | relevant)


def abbreviate(keys: list[str]) -> str:
    """List keys for a message; after `SHOWN_KEYS` of them the others are counted."""
    more = f" and {len(keys) - SHOWN_KEYS} more" if len(keys) > SHOWN_KEYS else ""
    return ", ".join(keys[:SHOWN_KEYS]) + more


def _without_prefix(
    state: Mapping[str, Tensor], published: list[str], required: list[str]
) -> tuple[Mapping[str, Tensor], str]:
    """Take the prefix off the keys of the backbone in a whole network, and drop the keys of its other parts.

    The prefix is the one under which most of the backbone's keys are found; none, where that is as good.
    """
    names = {*published, *required}
    found = {key[: -len(name)] for name in published[:1] for key in state if key.endswith("." + name)}
    prefix = max(["", *sorted(found, key=len)], key=lambda start: _count(state, start, names))
    if not prefix:
        return state, ""
    stripped = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    others = len(state) - len(stripped)
    _log.info("the backbone is found under %r; %d tensors of other parts are left out", prefix, others)
    return stripped, prefix


def _count(state: Mapping[str, Tensor], prefix: str, names: Collection[str]) -> int:
    return sum(prefix + name in state for name in names)


def _read(path: Path) -> Mapping[str, Tensor]:
    if path.is_dir():
        return _read_split(path)
    try:
        state = load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    except OSError as error:
        raise ValueError(f"weights {path} cannot be read: {error.strerror or error}") from None
    except pickle.UnpicklingError as error:
        raise ValueError(f"weights {path} {_refusal(error)}") from None
    except Exception as error:  # reading a damaged file can raise anything
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"weights {path} are no checkpoint of tensors: {reason}") from None
    return _unwrapped(state, path)


def _unpickled(path: Path) -> object:
    content: object = torch.load(path, map_location="cpu", weights_only=True)
    return content


def _refusal(error: pickle.UnpicklingError) -> str:
    """Say in one sentence what torch says in ten lines with colours."""
    named = re.search(r"GLOBAL ([\w.]+)", str(error))
    if named is None:
        return "are no checkpoint of tensors: not what torch.save or safetensors writes"
    return (
        f"are no checkpoint of tensors alone: they hold a {named[1]}, and reading it could execute code; save the "
        "weights alone with torch.save(network.state_dict(), path)"
    )


def _unwrapped(content: object, path: Path) -> Mapping[str, Tensor]:
    """Find the state dict in what training scripts save: itself, or under a name beside epoch and optimiser."""
    inner, names = content, []
    while isinstance(inner, Mapping) and not all(isinstance(value, Tensor) for value in inner.values()):
        name = next((name for name in WRAPPERS if isinstance(inner.get(name), Mapping)), None)
        if name is None:
            break
        names.append(name)
        inner = inner[name]
    if not isinstance(inner, Mapping) or not inner or not all(isinstance(value, Tensor) for value in inner.values()):
        raise ValueError(
            f"weights {path} hold no state dict (a mapping of names to tensors), alone or as {', '.join(WRAPPERS)}"
        )
    if names:
        _log.info("weights %s are read from %s", path, " / ".join(map(repr, names)))
    return inner


def _read_split(folder: Path) -> Mapping[str, Tensor]:
    try:
        places = json.loads((folder / INDEX).read_text("utf-8"))["weight_map"]
        files = {Path(name).name for name in places.values()}
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        raise ValueError(f"weights {folder}: the folder has no {INDEX} that lists its files") from None
    state: dict[str, Tensor] = {}
    for name in sorted(files):
        state |= _read(folder / name)
    missing = [key for key in places if key not in state]
    if missing:
        raise ValueError(f"weights {folder}: {abbreviate(missing)} should be in the files that {INDEX} lists")
    return state
