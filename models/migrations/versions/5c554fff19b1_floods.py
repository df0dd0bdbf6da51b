"""A person's pace, and whether she is in a flood."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5c554fff19b1"
down_revision = "8d005cb56aa1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("paced_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("hushed", sa.Boolean(), server_default=sa.false(), nullable=False)
        )


def downgrade() -> None:
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_column("hushed")
        batch_op.drop_column("paced_at")
