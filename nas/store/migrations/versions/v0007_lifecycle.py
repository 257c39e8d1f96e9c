"""Add the statuses of a paused search, and a search's notes and tags."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

BEFORE = ("queued", "starting", "running", "stopping", "completed", "failed", "stopped")
AFTER = ("queued", "starting", "running", "stopping", "pausing", "paused", "completed", "failed", "stopped")


def upgrade() -> None:
    op.add_column("searches", sa.Column("notes", sa.Text()))
    op.add_column("searches", sa.Column("tags", DOCUMENT))
    _replace_check(AFTER)


def downgrade() -> None:
    paused = "status IN ('pausing', 'paused')"
    op.execute(f"UPDATE searches SET finished_at = updated_at, status = 'stopped' WHERE {paused}")  # noqa: S608
    _replace_check(BEFORE)
    op.drop_column("searches", "tags")
    op.drop_column("searches", "notes")


def _replace_check(statuses: tuple[str, ...]) -> None:
    listed = ", ".join(repr(status) for status in statuses)
    with op.batch_alter_table("searches") as batch:  # SQLite copies the table for this
        batch.drop_constraint(op.f("ck_searches_status"), type_="check")
        batch.create_check_constraint(op.f("ck_searches_status"), f"status IN ({listed})")
