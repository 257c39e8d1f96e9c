"""Which names of a backbone's description must be registered."""

from __future__ import annotations

from nas.specs import HUB, BackboneSpec
from nas.weights.packages import DISTRIBUTIONS, IMAGENET_WEIGHTS


def needed_registrations(spec: BackboneSpec) -> dict[str, str]:
    """Return the names that must be registered, by the field of the description: `weights`, and `name` of hf:NAME.

    ImageNet weights that are Python packages need none (a registration of their name wins where there is one), nor do
    networks of the hub.
    """
    needed = {}
    if spec.name.startswith("hf:") and "/" not in spec.name:
        needed["name"] = spec.name.removeprefix("hf:")
    packaged = spec.weights == IMAGENET_WEIGHTS and spec.name in DISTRIBUTIONS
    from_hub = spec.weights == HUB and ":" in spec.name
    if spec.weights is not None and not packaged and not from_hub and spec.weights not in needed.values():
        needed["weights"] = spec.weights
    return needed
