"""Add the environments of measurements: device, threads, software and data."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "environments",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_environments")),
    )
    op.add_column("measurements", sa.Column("environment_key", sa.String(64)))


def downgrade() -> None:
    op.drop_column("measurements", "environment_key")
    op.drop_table("environments")
