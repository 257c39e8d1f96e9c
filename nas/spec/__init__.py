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
from nas.spec.black_box import (
    BlackBoxSpec,
    DenseCellSpace,
    DpcStrategy,
    EarlyStopping,
    RandomStrategy,
    Strategy,
    TpeStrategy,
)
from nas.spec.calibration import CalibrationSpec
from nas.spec.common import JobSpec, Resources
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
from nas.spec.full_scale import Explicit, FullScaleRequest, FullScaleSpec, Stratified, Top
from nas.spec.reference import ReferenceSpec
from nas.spec.search import RequestedSpec, SearchSpec
from nas.spec.training_free import TRAINING_FREE, TrainingFreeProxy

__all__ = [
    "TRAINING_FREE",
    "ArchitectureAdam",
    "AugmentSpec",
    "AutoDeepLabSpec",
    "BackboneSpec",
    "BilevelSpec",
    "BlackBoxSpec",
    "CalibrationSpec",
    "CosineSgd",
    "DecodingSpec",
    "DenseCellSpace",
    "DpcStrategy",
    "EarlyStopping",
    "Explicit",
    "Fidelity",
    "FullScaleRequest",
    "FullScaleSpec",
    "HeadSpec",
    "HessianStop",
    "JobSpec",
    "Name",
    "NetworkSpec",
    "OptimizerSpec",
    "RandomStrategy",
    "ReferenceSpec",
    "RequestedSpec",
    "Resources",
    "ScheduleSpec",
    "SearchSpec",
    "Size",
    "StopSpec",
    "Strategy",
    "Stratified",
    "SupernetSpec",
    "Top",
    "TpeStrategy",
    "TrainingFreeProxy",
]
