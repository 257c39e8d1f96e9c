"""What a user asks for: how carefully to measure (`Fidelity`) and what to search (`SearchSpec`).

Everything is validated once, at the door; further in, a spec is taken to be right. No torch here: the HTTP
service imports this module and has none.
"""

from nas.spec.auto_deeplab import (
    ArchitectureAdam,
    AutoDeepLabSpec,
    BilevelSpec,
    CosineSgd,
    DecodingSpec,
    HessianStop,
    StopSpec,
    SupernetSpec,
)
from nas.spec.fidelity import (
    AugmentSpec,
    BackboneSpec,
    Fidelity,
    HeadSpec,
    Name,
    NetworkSpec,
    OptimizerSpec,
    ScheduleSpec,
    Size,
)
from nas.spec.search import (
    DenseCellSpace,
    DpcStrategy,
    EarlyStopping,
    RandomStrategy,
    Resources,
    SearchSpec,
    Strategy,
    TpeStrategy,
)

__all__ = [
    "ArchitectureAdam",
    "AugmentSpec",
    "AutoDeepLabSpec",
    "BackboneSpec",
    "BilevelSpec",
    "CosineSgd",
    "DecodingSpec",
    "DenseCellSpace",
    "DpcStrategy",
    "EarlyStopping",
    "Fidelity",
    "HeadSpec",
    "HessianStop",
    "Name",
    "NetworkSpec",
    "OptimizerSpec",
    "RandomStrategy",
    "Resources",
    "ScheduleSpec",
    "SearchSpec",
    "Size",
    "StopSpec",
    "Strategy",
    "SupernetSpec",
    "TpeStrategy",
]
