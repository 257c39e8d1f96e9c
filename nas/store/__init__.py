"""The record of every search, in SQL; `nas.store.store` states the contract."""

from nas.store.errors import ConflictError, NotFoundError, SearchClosedError, StaleAttemptError, StoreError
from nas.store.leaderboard import TrialOrder
from nas.store.records import (
    BestStep,
    Change,
    DrawnScore,
    EpochEnd,
    Lease,
    Overview,
    Page,
    RungPoint,
    RungResult,
    RungTime,
    SearchCost,
    SearchRecord,
    SnapshotRecord,
    Stage,
    TrialRecord,
)
from nas.store.store import Store

__all__ = [
    "BestStep",
    "Change",
    "ConflictError",
    "DrawnScore",
    "EpochEnd",
    "Lease",
    "NotFoundError",
    "Overview",
    "Page",
    "RungPoint",
    "RungResult",
    "RungTime",
    "SearchClosedError",
    "SearchCost",
    "SearchRecord",
    "SnapshotRecord",
    "Stage",
    "StaleAttemptError",
    "Store",
    "StoreError",
    "TrialOrder",
    "TrialRecord",
]
