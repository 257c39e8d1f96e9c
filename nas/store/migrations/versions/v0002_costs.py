"""Add the kind and the parent of searches, sources of adopted trials, costs of networks, training-free scores."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    for table in ("trials", "measurements"):
        op.add_column(table, sa.Column("parameters", sa.BigInteger()))
        op.add_column(table, sa.Column("multiply_adds", sa.BigInteger()))
    op.add_column("trials", sa.Column("source", sa.String(48)))
    # The index of the architecture alone, dropped below, is a prefix of this one.
    op.create_index(
        "ix_trials_architecture_key_fidelity_key_seed", "trials", ["architecture_key", "fidelity_key", "seed"]
    )
    op.drop_index("ix_trials_architecture_key", "trials")
    _upgrade_searches()
    _create_training_free()


def downgrade() -> None:
    op.drop_table("training_free")
    op.drop_index("ix_searches_parent_id", "searches")
    with op.batch_alter_table("searches", copy_from=_searches()) as batch:
        batch.drop_constraint(op.f("fk_searches_parent_id"), type_="foreignkey")
        for column in ("forecast", "parent_id", "kind"):
            batch.drop_column(column)
    op.create_index("ix_trials_architecture_key", "trials", ["architecture_key"])
    op.drop_index("ix_trials_architecture_key_fidelity_key_seed", "trials")
    op.drop_column("trials", "source")
    for table in ("measurements", "trials"):
        op.drop_column(table, "multiply_adds")
        op.drop_column(table, "parameters")


def _upgrade_searches() -> None:
    op.add_column("searches", sa.Column("kind", sa.String(16)))
    op.add_column("searches", sa.Column("parent_id", sa.String(32)))
    op.add_column("searches", sa.Column("forecast", DOCUMENT))
    searches = sa.table("searches", sa.column("kind", sa.String(16)), sa.column("spec", DOCUMENT))
    of_spec = sa.func.coalesce(searches.c.spec["kind"].as_string(), "black_box")
    op.execute(searches.update().values(kind=of_spec))
    # SQLite copies the table for this. Alembic does not read the CHECKs of an existing table, so all of it is passed.
    with op.batch_alter_table("searches", copy_from=_searches(foreign_key=False, kind_nullable=True)) as batch:
        batch.alter_column("kind", existing_type=sa.String(16), nullable=False)
        batch.create_foreign_key(op.f("fk_searches_parent_id"), "searches", ["parent_id"], ["id"])
    op.create_index("ix_searches_parent_id", "searches", ["parent_id"])


def _searches(foreign_key: bool = True, kind_nullable: bool = False) -> sa.Table:
    """Describe the table at this revision, without the index of `parent_id`, for SQLite to copy."""
    foreign_keys = [sa.ForeignKeyConstraint(["parent_id"], ["searches.id"], name="fk_searches_parent_id")]
    return sa.Table(
        "searches",
        sa.MetaData(),
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
        sa.Column("kind", sa.String(16), nullable=kind_nullable),
        sa.Column("parent_id", sa.String(32)),
        sa.Column("forecast", DOCUMENT),
        *_search_constraints(),
        *(foreign_keys if foreign_key else []),
    )


def _search_constraints() -> tuple[sa.Constraint | sa.Index, ...]:
    return (
        sa.CheckConstraint(
            "status IN ('queued', 'starting', 'running', 'stopping', 'completed', 'failed', 'stopped')",
            name="ck_searches_status",
        ),
        sa.CheckConstraint(
            "(status IN ('completed', 'failed', 'stopped')) = (finished_at IS NOT NULL)",
            name="ck_searches_finished",
        ),
        sa.CheckConstraint("attempt >= 0", name="ck_searches_attempt"),
        sa.PrimaryKeyConstraint("id", name="pk_searches"),
        sa.UniqueConstraint("idempotency_key", name="uq_searches_idempotency_key"),
        sa.Index("ix_searches_status_created_at_id", "status", "created_at", "id"),
        sa.Index("ix_searches_created_at_id", "created_at", "id"),
    )


def _create_training_free() -> None:
    op.create_table(
        "training_free",
        sa.Column("architecture_key", sa.String(64), nullable=False),
        sa.Column("fidelity_key", sa.String(64), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["architecture_key"], ["architectures.key"], name=op.f("fk_training_free_architecture_key")
        ),
        sa.ForeignKeyConstraint(["fidelity_key"], ["fidelities.key"], name=op.f("fk_training_free_fidelity_key")),
        sa.PrimaryKeyConstraint("architecture_key", "fidelity_key", "seed", "name", name=op.f("pk_training_free")),
    )
