"""The search engine: kinds of search, specs, store, data, models, training, strategies, ranking.

`nas.build_head`, `nas.build_network` and `nas.load_network` return plain torch modules, `nas.draw` a drawing. All
functions are imported when first used, so that `import nas` needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas.drawing.draw import draw
    from nas.models.documents import build_head, build_network
    from nas.training.load import load_network
    from search_spaces.document import read_architecture

__all__ = ["build_head", "build_network", "draw", "load_network", "read_architecture"]

_MODULES = {
    "build_head": "nas.models.documents",
    "build_network": "nas.models.documents",
    "draw": "nas.drawing.draw",
    "load_network": "nas.training.load",
    "read_architecture": "search_spaces.document",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
