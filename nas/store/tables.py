"""The tables. Migrations create them (`nas/store/migrations`); a test compares their result with this file.

The keys of trials (search, number) and of measurements (search, number, iteration) are natural ones, so that a curve
is read without a join and a second delivery of the same event finds the first one. Architectures, fidelities and
environments are stored once, under the hash of their content.

Totals are kept, not computed when they are read: triggers of the database (revision 0008) keep `search_totals`,
`rung_totals` and `trials.sequence` in the very transaction that writes a trial or a measurement, whoever writes it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from nas.results.status import SearchStatus, TrialStatus
from nas.specs.tokens import Scope
from nas.store.columns import DOCUMENT, ID, KEY, LATENCY, OWNER, SOURCE, StatusType, one_of, total

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""How constraints are named, so that a migration can name the constraint that it changes."""


class Base(DeclarativeBase):
    """The base of all tables, with the naming of constraints."""

    metadata = MetaData(naming_convention=NAMING)


class SearchRow(Base):
    """A search, its driver's attempt and setbacks, and the lease of the service that attends to the search."""

    __tablename__ = "searches"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    spec: Mapped[dict[str, Any]] = mapped_column(DOCUMENT)
    status: Mapped[SearchStatus] = mapped_column(StatusType(SearchStatus))
    attempt: Mapped[int] = mapped_column(Integer)
    stage: Mapped[dict[str, Any] | None] = mapped_column(DOCUMENT)
    software: Mapped[dict[str, Any] | None] = mapped_column(DOCUMENT)
    message: Mapped[str | None] = mapped_column(Text)
    lease_owner: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[float] = mapped_column(Double)
    updated_at: Mapped[float] = mapped_column(Double)
    started_at: Mapped[float | None] = mapped_column(Double)
    finished_at: Mapped[float | None] = mapped_column(Double)
    kind: Mapped[str] = mapped_column(String(16))  # the kind in the spec, to filter listings by
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("searches.id"), index=True)
    forecast: Mapped[dict[str, Any] | None] = mapped_column(DOCUMENT)
    request_key: Mapped[str | None] = mapped_column(KEY)  # content hash of the request that created the search
    hold_seconds: Mapped[float | None] = mapped_column(Double)  # a length, since a time of day would follow the clock
    lease_beat: Mapped[int] = mapped_column(Integer, server_default="0")  # grows while the lease's owner is alive
    setbacks: Mapped[int] = mapped_column(Integer, server_default="0")  # drivers lost in a row without progress
    progress_mark: Mapped[int | None] = mapped_column(Integer)  # what was recorded when the present driver began
    reached: Mapped[int] = mapped_column(Integer, server_default="0")  # the furthest step before the first trial
    notes: Mapped[str | None] = mapped_column(Text)
    tags: Mapped[list[str] | None] = mapped_column(DOCUMENT)
    # The searches that this one starts from, each with the `sequence` of its last change when this one was created.
    origins: Mapped[dict[str, int] | None] = mapped_column(DOCUMENT)
    owner: Mapped[str | None] = mapped_column(OWNER)  # the name of the token that started it
    place: Mapped[int | None] = mapped_column(Integer)  # among all searches, in the order of creation

    __table_args__ = (
        UniqueConstraint("idempotency_key"),
        CheckConstraint(one_of("status", SearchStatus), name="status"),
        CheckConstraint(
            f"({one_of('status', [s for s in SearchStatus if s.terminal])}) = (finished_at IS NOT NULL)",
            name="finished",
        ),
        CheckConstraint("attempt >= 0", name="attempt"),
        Index(None, "status", "place", "id"),
        Index(None, "place", "id"),
        Index(None, "owner", "place", "id"),
    )


class ArchitectureRow(Base):
    """An architecture in its canonical form, under its content key."""

    __tablename__ = "architectures"

    key: Mapped[str] = mapped_column(KEY, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    document: Mapped[dict[str, Any]] = mapped_column(DOCUMENT)
    created_at: Mapped[float] = mapped_column(Double)


class FidelityRow(Base):
    """A fidelity, under its content key."""

    __tablename__ = "fidelities"

    key: Mapped[str] = mapped_column(KEY, primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(DOCUMENT)
    created_at: Mapped[float] = mapped_column(Double)


class EnvironmentRow(Base):
    """The environment of measurements, under its content key."""

    __tablename__ = "environments"

    key: Mapped[str] = mapped_column(KEY, primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(DOCUMENT)
    created_at: Mapped[float] = mapped_column(Double)


class TrialRow(Base):
    """A trial: an architecture at a fidelity with a seed, and its result at the deepest rung measured so far."""

    __tablename__ = "trials"

    # The primary key makes (search, number) unique and is the order in which the trials of a search are read.
    search_id: Mapped[str] = mapped_column(ForeignKey("searches.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    architecture_key: Mapped[str] = mapped_column(ForeignKey("architectures.key"))
    fidelity_key: Mapped[str] = mapped_column(ForeignKey("fidelities.key"))
    seed: Mapped[int] = mapped_column(BigInteger)
    attempt: Mapped[int] = mapped_column(Integer)
    status: Mapped[TrialStatus] = mapped_column(StatusType(TrialStatus))
    score: Mapped[float | None] = mapped_column(Double)
    iteration: Mapped[int | None] = mapped_column(Integer)
    seconds: Mapped[float | None] = mapped_column(Double)
    device_seconds: Mapped[float | None] = mapped_column(Double)
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[float] = mapped_column(Double)
    updated_at: Mapped[float] = mapped_column(Double)
    finished_at: Mapped[float | None] = mapped_column(Double)
    parameters: Mapped[int | None] = mapped_column(BigInteger)
    multiply_adds: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str | None] = mapped_column(SOURCE)  # the trial that this one was adopted from; None: this one ran
    unjudged_iteration: Mapped[int | None] = mapped_column(
        Integer
    )  # the first rung passed unjudged, until judged later
    unjudged_score: Mapped[float | None] = mapped_column(Double)  # the value at that rung
    value: Mapped[float | None] = mapped_column(Double)  # of the search's first objective; null where score is
    latency: Mapped[dict[str, Any] | None] = mapped_column(LATENCY)
    node: Mapped[str | None] = mapped_column(String(255))  # where the latest attempt that sent anything ran
    deaths: Mapped[int] = mapped_column(
        Integer, server_default=text("0")
    )  # attempts replaced because their process died
    # The number of the last change within the search, from 1; a larger number is visible only after all smaller ones.
    sequence: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))

    __table_args__ = (
        CheckConstraint("number >= 0", name="number"),
        CheckConstraint("attempt >= 1", name="attempt"),
        CheckConstraint(one_of("status", TrialStatus), name="status"),
        CheckConstraint("score >= 0 AND score <= 1", name="score"),
        CheckConstraint("(score IS NULL) = (iteration IS NULL)", name="measured"),
        CheckConstraint(
            f"score IS NOT NULL OR NOT ({one_of('status', [TrialStatus.COMPLETED, TrialStatus.PRUNED])})",
            name="scored",
        ),
        CheckConstraint("(status = 'running') = (finished_at IS NULL)", name="finished"),
        Index(None, "search_id", "iteration", "value", "number"),
        Index(None, "search_id", "unjudged_iteration"),
        Index(None, "search_id", "status", "number"),
        Index(None, "search_id", "status", "iteration", "value", "number"),
        Index(None, "search_id", "sequence"),
        Index(None, "architecture_key", "fidelity_key", "seed"),
    )


class MeasurementRow(Base):
    """A point of a learning curve: the result of one trial at one rung, and the attempt that measured it."""

    __tablename__ = "measurements"

    search_id: Mapped[str] = mapped_column(ID, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    iteration: Mapped[int] = mapped_column(Integer, primary_key=True)
    attempt: Mapped[int] = mapped_column(Integer)
    score: Mapped[float] = mapped_column(Double)
    class_iou: Mapped[list[float | None]] = mapped_column(DOCUMENT)
    train_loss: Mapped[float] = mapped_column(Double)
    val_loss: Mapped[float] = mapped_column(Double)
    seconds: Mapped[float] = mapped_column(Double)
    device_seconds: Mapped[float] = mapped_column(Double)
    created_at: Mapped[float] = mapped_column(Double)
    parameters: Mapped[int | None] = mapped_column(BigInteger)
    multiply_adds: Mapped[int | None] = mapped_column(BigInteger)
    latency: Mapped[dict[str, Any] | None] = mapped_column(LATENCY)
    environment_key: Mapped[str | None] = mapped_column(KEY)  # no foreign key: SQLite would copy the table to add one

    __table_args__ = (
        ForeignKeyConstraint(["search_id", "number"], ["trials.search_id", "trials.number"]),
        CheckConstraint("iteration >= 1", name="iteration"),
        CheckConstraint("score >= 0 AND score <= 1", name="score"),
    )


class SearchTotalsRow(Base):
    """Totals over the trials of a search; a search without a trial has no row. Triggers write this table.

    Whoever changes a trial holds this row until the transaction ends, so numbers of `sequence` become visible in order.
    Times are whole microseconds: sums of them do not depend on the order of addition.
    """

    __tablename__ = "search_totals"

    search_id: Mapped[str] = mapped_column(ForeignKey("searches.id", ondelete="CASCADE"), primary_key=True)
    sequence: Mapped[int] = total(BigInteger)  # of the last change of a trial
    running: Mapped[int] = total()  # trials of this status, as the four below
    completed: Mapped[int] = total()
    pruned: Mapped[int] = total()
    failed: Mapped[int] = total()
    stopped: Mapped[int] = total()
    measured: Mapped[int] = total()  # trials that ran and have a score
    adopted: Mapped[int] = total()
    device_microseconds: Mapped[int] = total(BigInteger)  # of the trials that ran


class RungTotalsRow(Base):
    """The time from the rung before to this one, summed over the trials of a search that ran. Triggers write it."""

    __tablename__ = "rung_totals"

    search_id: Mapped[str] = mapped_column(ForeignKey("searches.id", ondelete="CASCADE"), primary_key=True)
    fidelity_key: Mapped[str] = mapped_column(KEY, primary_key=True)
    iteration: Mapped[int] = mapped_column(Integer, primary_key=True)
    trials: Mapped[int] = total()
    microseconds: Mapped[int] = total(BigInteger)
    device_microseconds: Mapped[int] = total(BigInteger)

    __table_args__ = (Index(None, "fidelity_key", "search_id"),)


class SnapshotRow(Base):
    """The snapshot of a differentiable run after one epoch."""

    __tablename__ = "snapshots"

    search_id: Mapped[str] = mapped_column(ForeignKey("searches.id"), primary_key=True)
    run: Mapped[int] = mapped_column(Integer, primary_key=True)
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True)
    payload: Mapped[dict[str, Any]] = mapped_column(DOCUMENT)
    created_at: Mapped[float] = mapped_column(Double)

    __table_args__ = (
        CheckConstraint("run >= 0", name="run"),
        CheckConstraint("epoch >= 0", name="epoch"),
    )


class RunRow(Base):
    """The setbacks of a differentiable run, over all drivers of its search; a run that had none has no row."""

    __tablename__ = "runs"

    search_id: Mapped[str] = mapped_column(ForeignKey("searches.id"), primary_key=True)
    run: Mapped[int] = mapped_column(Integer, primary_key=True)
    deaths: Mapped[int] = mapped_column(Integer)  # attempts replaced because their process died
    reason: Mapped[str | None] = mapped_column(Text)  # why the run has failed; null: it has not

    __table_args__ = (
        CheckConstraint("run >= 0", name="run"),
        CheckConstraint("deaths >= 0", name="deaths"),
    )


class ExamplesRow(Base):
    """The validation images on which predictions of a search's trials are made, under the key of their content."""

    __tablename__ = "examples"

    search_id: Mapped[str] = mapped_column(ForeignKey("searches.id"), primary_key=True)
    key: Mapped[str] = mapped_column(KEY, primary_key=True)
    payload: Mapped[dict[str, Any]] = mapped_column(DOCUMENT)
    created_at: Mapped[float] = mapped_column(Double)


class PredictionsRow(Base):
    """What one trial predicts on the examples, at the deepest rung at which the predictions were kept."""

    __tablename__ = "predictions"

    search_id: Mapped[str] = mapped_column(ID, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    iteration: Mapped[int] = mapped_column(Integer)
    examples_key: Mapped[str] = mapped_column(KEY)
    payload: Mapped[dict[str, Any]] = mapped_column(DOCUMENT)
    created_at: Mapped[float] = mapped_column(Double)

    __table_args__ = (
        ForeignKeyConstraint(["search_id", "number"], ["trials.search_id", "trials.number"]),
        CheckConstraint("iteration >= 1", name="iteration"),
    )


class TrainingFreeRow(Base):
    """A training-free score of an architecture at a fidelity with a seed; it belongs to no search."""

    __tablename__ = "training_free"

    architecture_key: Mapped[str] = mapped_column(ForeignKey("architectures.key"), primary_key=True)
    fidelity_key: Mapped[str] = mapped_column(ForeignKey("fidelities.key"), primary_key=True)
    seed: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[float] = mapped_column(Double)
    seconds: Mapped[float] = mapped_column(Double)
    created_at: Mapped[float] = mapped_column(Double)


class TokenRow(Base):
    """A token of the service, by the hash of its secret; at any time one token of a name is not revoked."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str] = mapped_column(OWNER)
    hash: Mapped[str] = mapped_column(KEY)
    scope: Mapped[Scope] = mapped_column(StatusType(Scope))
    created_at: Mapped[float] = mapped_column(Double)
    expires_at: Mapped[float | None] = mapped_column(Double)
    revoked_at: Mapped[float | None] = mapped_column(Double)
    used_at: Mapped[float | None] = mapped_column(Double)  # written now and then, not with every request
    requests_per_minute: Mapped[int | None] = mapped_column(Integer)
    device_hours: Mapped[float | None] = mapped_column(Double)
    place: Mapped[int | None] = mapped_column(Integer)  # among all tokens, in the order of creation

    __table_args__ = (
        UniqueConstraint("hash"),
        CheckConstraint(one_of("scope", Scope), name="scope"),
        Index(
            "ix_tokens_valid_name",
            "name",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
        Index(None, "name", "place"),
    )


class OwnerRow(Base):
    """What the searches of an owner have spent that are deleted, so that deleting one gives no budget back."""

    __tablename__ = "owners"

    name: Mapped[str] = mapped_column(OWNER, primary_key=True)
    deleted_microseconds: Mapped[int] = total(BigInteger)
