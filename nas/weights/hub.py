"""Networks by their name on Hugging Face's hub, where the server's configuration allows it."""

from __future__ import annotations

import importlib
from pathlib import Path

from nas.specs import HUB, BackboneSpec

PATTERNS = ("config.json", "preprocessor_config.json", "*.safetensors", "*.safetensors.index.json")
"""What is fetched of a network: no pickles."""


def hub_name(spec: BackboneSpec) -> str | None:
    """Return the name on the hub of a network that a backbone needs from there; None for one that needs none."""
    if spec.name.startswith("hf:") and "/" in spec.name:
        return spec.name.removeprefix("hf:")
    if spec.name.startswith("timm:") and spec.weights == HUB:
        return spec.name.replace(":", "/", 1)
    return None


def not_allowed(name: str) -> str:
    """Say that the configuration does not allow the hub, and what would do."""
    return (
        f"{name} is on the hub, which this server may not ask: put `hub: true` into its configuration, or register a "
        "local folder (`segnas weights add`)"
    )


def hub_folder(name: str, *, allowed: bool) -> Path:
    """Return a local copy of a network of the hub, and download it first unless the hub's own cache has it.

    Args:
        name: `organisation/network`.
        allowed: Whether the configuration (`hub`) allows it.

    Raises:
        ValueError: It is not allowed, huggingface_hub is missing, the hub has no such network, or it is out of reach.
    """
    if not allowed:
        raise ValueError(not_allowed(name))
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError:
        raise ValueError(f"{name} needs huggingface_hub: pip install 'segnas[hf]'") from None
    try:
        return Path(hub.snapshot_download(name, allow_patterns=list(PATTERNS)))
    except Exception as error:  # networks fail in many ways, and the hub's client has an exception for each
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{name} cannot be fetched from the hub: {reason}") from None
