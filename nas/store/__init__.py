"""The record of every search, in SQL; `nas.store.store` states the contract."""

from nas.store.errors import ConflictError, NotFoundError, SchemaError, SearchClosedError, StaleAttemptError, StoreError
from nas.store.leaderboard import TrialOrder
from nas.store.records import (
    BestStep,
    Change,
    DrawnScore,
    EpochEnd,
    Failure,
    Lease,
    Overview,
    Page,
    RungCount,
    RungPoint,
    RungResult,
    RungTime,
    SearchCost,
    SearchRecord,
    SizedScore,
    SnapshotRecord,
    Stage,
    TrialRecord,
    TrialSpan,
)
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
    "Lease",
    "NotFoundError",
    "Overview",
    "Page",
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
    "TrialOrder",
    "TrialRecord",
    "TrialSpan",
]
