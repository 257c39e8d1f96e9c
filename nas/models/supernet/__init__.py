"""Auto-DeepLab's supernet, with few and large operator calls."""

from nas.models.supernet.network import Supernet, build_supernet
from nas.models.supernet.normalise import frozen_statistics

__all__ = ["Supernet", "build_supernet", "frozen_statistics"]
