"""Add the node on which a trial ran."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("trials", sa.Column("node", sa.String(255)))


def downgrade() -> None:
    op.drop_column("trials", "node")
