"""Help that was shown of late."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "8d005cb56aa1"
down_revision = "776965055aff"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("account") as batch_op:
        batch_op.add_column(sa.Column("helped_sealed", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("account") as batch_op:
        batch_op.drop_column("helped_sealed")
