"""the merchant is sealed: the other side may be a person. Its name also stands in the sealed answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "89280506f1aa"
down_revision = "4b1d7e0c92aa"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("case_file", sa.Column("merchant_sealed", sa.LargeBinary(), nullable=True))
    op.drop_column("case_file", "merchant")


def downgrade() -> None:
    op.add_column(
        "case_file", sa.Column("merchant", sa.String(200), nullable=False, server_default="")
    )
    op.drop_column("case_file", "merchant_sealed")
