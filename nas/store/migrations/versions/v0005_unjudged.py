"""Add the rung that a trial passed before early stopping could judge it; leaderboards go by rung, then score."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("trials", sa.Column("unjudged_iteration", sa.Integer()))
    op.add_column("trials", sa.Column("unjudged_score", sa.Double()))
    op.create_index("ix_trials_search_id_unjudged_iteration", "trials", ["search_id", "unjudged_iteration"])
    op.drop_index("ix_trials_search_id_score_number", "trials")


def downgrade() -> None:
    op.create_index("ix_trials_search_id_score_number", "trials", ["search_id", "score", "number"])
    op.drop_index("ix_trials_search_id_unjudged_iteration", "trials")
    op.drop_column("trials", "unjudged_score")
    op.drop_column("trials", "unjudged_iteration")
