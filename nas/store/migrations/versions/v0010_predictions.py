"""Add the predictions of trials, and the examples that they are made on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "examples",
        sa.Column("search_id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("payload", DOCUMENT, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["search_id"], ["searches.id"], name=op.f("fk_examples_search_id")),
        sa.PrimaryKeyConstraint("search_id", "key", name=op.f("pk_examples")),
    )
    op.create_table(
        "predictions",
        sa.Column("search_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("examples_key", sa.String(64), nullable=False),
        sa.Column("payload", DOCUMENT, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["search_id", "number"], ["trials.search_id", "trials.number"], name=op.f("fk_predictions_search_id")
        ),
        sa.CheckConstraint("iteration >= 1", name=op.f("ck_predictions_iteration")),
        sa.PrimaryKeyConstraint("search_id", "number", name=op.f("pk_predictions")),
    )


def downgrade() -> None:
    op.drop_table("predictions")
    op.drop_table("examples")
