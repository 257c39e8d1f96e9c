"""Specs of searches: what to search (`SearchSpec`) and how carefully to measure (`Fidelity`).

A spec is validated once, when it is made; all other code relies on it. These modules import no torch, since the HTTP
service, which imports them, has none.
"""

from nas.specs.auto_deeplab import (
    ArchitectureAdam,
    AutoDeepLabSpec,
    BilevelSpec,
    CosineSgd,
    DecodingSpec,
    HessianStop,
    StopSpec,
    SupernetSpec,
)
from nas.specs.auto_deeplab_space import AutoDeepLabSpace, NetworkLimit
from nas.specs.backbone import HUB, BackboneSpec
from nas.specs.black_box import BlackBoxSpec
from nas.specs.calibration import CalibrationSpec
from nas.specs.confirm import Confirm
from nas.specs.confirmation import ConfirmationSpec
from nas.specs.dense_cell_space import NAMED_CELLS, CellLimit, DenseCellSpace
from nas.specs.early_stopping import (
    AshaStopping,
    EarlyStopping,
    HyperbandStopping,
    MedianStopping,
    PashaStopping,
)
from nas.specs.fidelity import Fidelity
from nas.specs.fields import Name, Size
from nas.specs.full_scale import Explicit, FullScaleSpec, Stratified, Top
from nas.specs.job import JobSpec, Resources
from nas.specs.lifecycle import EditRequest, ExtendRequest
from nas.specs.network import DecoderSpec, HeadSpec, NetworkSpec
from nas.specs.objectives import (
    MIOU,
    ClassIou,
    Constraints,
    Goals,
    Objective,
    Vector,
    objective_at,
    objective_direction,
    objective_text,
)
from nas.specs.optimization import AugmentSpec, LossSpec, OptimizerSpec, ScheduleSpec
from nas.specs.reference import ReferenceSpec
from nas.specs.requests import (
    BlackBoxRequest,
    ConfirmationRequest,
    FidelityName,
    FullScaleRequest,
    NamedFidelity,
    ReferenceRequest,
    SearchRequest,
)
from nas.specs.search import SearchSpec
from nas.specs.space import Space
from nas.specs.strategies import (
    DpcStrategy,
    EvolutionStrategy,
    GpStrategy,
    Nsga2Strategy,
    RandomStrategy,
    ReinforceStrategy,
    Strategy,
    TpeStrategy,
)
from nas.specs.training_free import TRAINING_FREE, TrainingFreeProxy

__all__ = [
    "HUB",
    "MIOU",
    "NAMED_CELLS",
    "TRAINING_FREE",
    "ArchitectureAdam",
    "AshaStopping",
    "AugmentSpec",
    "AutoDeepLabSpace",
    "AutoDeepLabSpec",
    "BackboneSpec",
    "BilevelSpec",
    "BlackBoxRequest",
    "BlackBoxSpec",
    "CalibrationSpec",
    "CellLimit",
    "ClassIou",
    "Confirm",
    "ConfirmationRequest",
    "ConfirmationSpec",
    "Constraints",
    "CosineSgd",
    "DecoderSpec",
    "DecodingSpec",
    "DenseCellSpace",
    "DpcStrategy",
    "EarlyStopping",
    "EditRequest",
    "EvolutionStrategy",
    "Explicit",
    "ExtendRequest",
    "Fidelity",
    "FidelityName",
    "FullScaleRequest",
    "FullScaleSpec",
    "Goals",
    "GpStrategy",
    "HeadSpec",
    "HessianStop",
    "HyperbandStopping",
    "JobSpec",
    "LossSpec",
    "MedianStopping",
    "Name",
    "NamedFidelity",
    "NetworkLimit",
    "NetworkSpec",
    "Nsga2Strategy",
    "Objective",
    "OptimizerSpec",
    "PashaStopping",
    "RandomStrategy",
    "ReferenceRequest",
    "ReferenceSpec",
    "ReinforceStrategy",
    "Resources",
    "ScheduleSpec",
    "SearchRequest",
    "SearchSpec",
    "Size",
    "Space",
    "StopSpec",
    "Strategy",
    "Stratified",
    "SupernetSpec",
    "Top",
    "TpeStrategy",
    "TrainingFreeProxy",
    "Vector",
    "objective_at",
    "objective_direction",
    "objective_text",
]
