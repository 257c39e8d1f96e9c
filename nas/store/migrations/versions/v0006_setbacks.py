"""Count drivers that are lost without progress; leases by a beat and back-off by its length, not by the clock."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("searches", sa.Column("hold_seconds", sa.Double()))
    op.add_column("searches", sa.Column("lease_beat", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("searches", sa.Column("setbacks", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("searches", sa.Column("progress_mark", sa.Integer()))
    op.add_column("searches", sa.Column("reached", sa.Integer(), nullable=False, server_default="0"))
    op.drop_column("searches", "not_before")
    op.drop_column("searches", "lease_until")


def downgrade() -> None:
    op.add_column("searches", sa.Column("lease_until", sa.Double()))
    op.add_column("searches", sa.Column("not_before", sa.Double()))
    for column in ("reached", "progress_mark", "setbacks", "lease_beat", "hold_seconds"):
        op.drop_column("searches", column)
