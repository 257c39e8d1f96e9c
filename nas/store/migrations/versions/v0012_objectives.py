"""Add the value by which trials are ordered, which may be another than their mIoU, and measured latencies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("trials", sa.Column("value", sa.Double()))
    op.add_column("trials", sa.Column("latency", DOCUMENT))
    op.add_column("measurements", sa.Column("latency", DOCUMENT))
    # No trial changes for those who follow a search. On SQLite the triggers look at other columns.
    postgres = op.get_context().dialect.name == "postgresql"
    if postgres:
        op.execute("ALTER TABLE trials DISABLE TRIGGER USER")
    op.execute("UPDATE trials SET value = score WHERE score IS NOT NULL")
    if postgres:
        op.execute("ALTER TABLE trials ENABLE TRIGGER USER")
    _order_by("score", "value")


def downgrade() -> None:
    _order_by("value", "score")
    op.drop_column("measurements", "latency")
    op.drop_column("trials", "latency")
    op.drop_column("trials", "value")


def _order_by(before: str, after: str) -> None:
    for columns in (["search_id", "iteration"], ["search_id", "status", "iteration"]):
        op.drop_index("_".join(["ix_trials", *columns, before, "number"]), "trials")
        op.create_index("_".join(["ix_trials", *columns, after, "number"]), "trials", [*columns, after, "number"])
