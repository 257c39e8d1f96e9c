"""Add tokens, the owners of searches, and what the deleted searches of an owner have spent."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("searches", sa.Column("owner", sa.String(63)))
    op.create_index("ix_searches_owner_created_at_id", "searches", ["owner", "created_at", "id"])
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double()),
        sa.Column("revoked_at", sa.Double()),
        sa.Column("used_at", sa.Double()),
        sa.Column("requests_per_minute", sa.Integer()),
        sa.Column("device_hours", sa.Double()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("hash", name=op.f("uq_tokens_hash")),
        sa.CheckConstraint("scope IN ('read', 'submit', 'admin')", name=op.f("ck_tokens_scope")),
    )
    op.create_index("ix_tokens_name_created_at", "tokens", ["name", "created_at"])
    valid = sa.text("revoked_at IS NULL")
    op.create_index("ix_tokens_valid_name", "tokens", ["name"], unique=True, sqlite_where=valid, postgresql_where=valid)
    op.create_table(
        "owners",
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("deleted_microseconds", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_owners")),
    )


def downgrade() -> None:
    op.drop_table("owners")
    op.drop_table("tokens")
    op.drop_index("ix_searches_owner_created_at_id", "searches")
    op.drop_column("searches", "owner")
