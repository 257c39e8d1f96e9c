"""Create the first tables: searches, trials, measurements, snapshots, architectures, fidelities, tokens."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    _create_content()
    _create_searches()
    _create_trials()
    _create_measurements()
    _create_snapshots()
    _create_tokens()


def downgrade() -> None:
    for table in ("tokens", "snapshots", "measurements", "trials", "searches", "fidelities", "architectures"):
        op.drop_table(table)


def _create_content() -> None:
    op.create_table(
        "architectures",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_architectures")),
    )
    op.create_table(
        "fidelities",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_fidelities")),
    )


def _create_searches() -> None:
    op.create_table(
        "searches",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("spec", DOCUMENT, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("stage", DOCUMENT),
        sa.Column("software", DOCUMENT),
        sa.Column("message", sa.Text()),
        sa.Column("not_before", sa.Double()),
        sa.Column("lease_owner", sa.String(255)),
        sa.Column("lease_until", sa.Double()),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double()),
        sa.Column("finished_at", sa.Double()),
        sa.CheckConstraint(
            "status IN ('queued', 'starting', 'running', 'stopping', 'completed', 'failed', 'stopped')",
            name=op.f("ck_searches_status"),
        ),
        sa.CheckConstraint(
            "(status IN ('completed', 'failed', 'stopped')) = (finished_at IS NOT NULL)",
            name=op.f("ck_searches_finished"),
        ),
        sa.CheckConstraint("attempt >= 0", name=op.f("ck_searches_attempt")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_searches")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_searches_idempotency_key")),
    )
    op.create_index("ix_searches_status_created_at_id", "searches", ["status", "created_at", "id"])
    op.create_index("ix_searches_created_at_id", "searches", ["created_at", "id"])


def _create_trials() -> None:
    op.create_table(
        "trials",
        sa.Column("search_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("architecture_key", sa.String(64), nullable=False),
        sa.Column("fidelity_key", sa.String(64), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("score", sa.Double()),
        sa.Column("iteration", sa.Integer()),
        sa.Column("seconds", sa.Double()),
        sa.Column("device_seconds", sa.Double()),
        sa.Column("reason", sa.Text()),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double()),
        *_trial_constraints(),
    )
    op.create_index("ix_trials_architecture_key", "trials", ["architecture_key"])
    op.create_index("ix_trials_search_id_score_number", "trials", ["search_id", "score", "number"])
    op.create_index(
        "ix_trials_search_id_iteration_score_number", "trials", ["search_id", "iteration", "score", "number"]
    )
    op.create_index("ix_trials_search_id_status_number", "trials", ["search_id", "status", "number"])
    op.create_index("ix_trials_search_id_updated_at", "trials", ["search_id", "updated_at"])


def _trial_constraints() -> tuple[sa.Constraint, ...]:
    return (
        sa.CheckConstraint("number >= 0", name=op.f("ck_trials_number")),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_trials_attempt")),
        sa.CheckConstraint(
            "status IN ('running', 'completed', 'pruned', 'failed', 'stopped')", name=op.f("ck_trials_status")
        ),
        sa.CheckConstraint("score >= 0 AND score <= 1", name=op.f("ck_trials_score")),
        sa.CheckConstraint("(score IS NULL) = (iteration IS NULL)", name=op.f("ck_trials_measured")),
        sa.CheckConstraint(
            "score IS NOT NULL OR NOT (status IN ('completed', 'pruned'))", name=op.f("ck_trials_scored")
        ),
        sa.CheckConstraint("(status = 'running') = (finished_at IS NULL)", name=op.f("ck_trials_finished")),
        sa.ForeignKeyConstraint(["architecture_key"], ["architectures.key"], name=op.f("fk_trials_architecture_key")),
        sa.ForeignKeyConstraint(["fidelity_key"], ["fidelities.key"], name=op.f("fk_trials_fidelity_key")),
        sa.ForeignKeyConstraint(["search_id"], ["searches.id"], name=op.f("fk_trials_search_id")),
        sa.PrimaryKeyConstraint("search_id", "number", name=op.f("pk_trials")),
    )


def _create_measurements() -> None:
    op.create_table(
        "measurements",
        sa.Column("search_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("class_iou", DOCUMENT, nullable=False),
        sa.Column("train_loss", sa.Double(), nullable=False),
        sa.Column("val_loss", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("device_seconds", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.CheckConstraint("iteration >= 1", name=op.f("ck_measurements_iteration")),
        sa.CheckConstraint("score >= 0 AND score <= 1", name=op.f("ck_measurements_score")),
        sa.ForeignKeyConstraint(
            ["search_id", "number"],
            ["trials.search_id", "trials.number"],
            name=op.f("fk_measurements_search_id_number"),
        ),
        sa.PrimaryKeyConstraint("search_id", "number", "iteration", name=op.f("pk_measurements")),
    )


def _create_snapshots() -> None:
    op.create_table(
        "snapshots",
        sa.Column("search_id", sa.String(32), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("payload", DOCUMENT, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.CheckConstraint("run >= 0", name=op.f("ck_snapshots_run")),
        sa.CheckConstraint("epoch >= 0", name=op.f("ck_snapshots_epoch")),
        sa.ForeignKeyConstraint(["search_id"], ["searches.id"], name=op.f("fk_snapshots_search_id")),
        sa.PrimaryKeyConstraint("search_id", "run", "epoch", name=op.f("pk_snapshots")),
    )


def _create_tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", DOCUMENT, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("revoked_at", sa.Double()),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
