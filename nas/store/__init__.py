"""The record of every search, in SQL; `nas.store.store` states the contract."""

from nas.store.errors import ConflictError, NotFoundError, SchemaError, SearchClosedError, StaleAttemptError, StoreError
from nas.store.figures import (
    BestStep,
    DrawnScore,
    EpochEnd,
    Failure,
    MeasuredAgain,
    Overview,
    RungCount,
    RungPoint,
    RungResult,
    RungTime,
    SearchCost,
    SizedScore,
    TrialSpan,
)
from nas.store.records import Change, FollowUp, Lease, Page, RunRecord, SearchRecord, SnapshotRecord, Stage, TrialRecord
from nas.store.store import Store
from nas.store.tokens import Budget, TokenRecord

__all__ = [
    "BestStep",
    "Budget",
    "Change",
    "ConflictError",
    "DrawnScore",
    "EpochEnd",
    "Failure",
    "FollowUp",
    "Lease",
    "MeasuredAgain",
    "NotFoundError",
    "Overview",
    "Page",
    "RunRecord",
    "RungCount",
    "RungPoint",
    "RungResult",
    "RungTime",
    "SchemaError",
    "SearchClosedError",
    "SearchCost",
    "SearchRecord",
    "SizedScore",
    "SnapshotRecord",
    "Stage",
    "StaleAttemptError",
    "Store",
    "StoreError",
    "TokenRecord",
    "TrialRecord",
    "TrialSpan",
]
