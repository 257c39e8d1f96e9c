"""Add what differentiable runs have been through, over all drivers of their search: processes that died, failures."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("search_id", sa.String(32), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.CheckConstraint("run >= 0", name=op.f("ck_runs_run")),
        sa.CheckConstraint("deaths >= 0", name=op.f("ck_runs_deaths")),
        sa.ForeignKeyConstraint(["search_id"], ["searches.id"], name=op.f("fk_runs_search_id")),
        sa.PrimaryKeyConstraint("search_id", "run", name=op.f("pk_runs")),
    )


def downgrade() -> None:
    op.drop_table("runs")
